// Writes config/schema.json: `node config/generate-schema.ts`. A test fails when the committed file is not current.
import { writeFileSync } from "node:fs";
import { stackFileSchema } from "./stack-schema.ts";

/** The text of config/schema.json. */
export function schemaText(): string {
  return `${JSON.stringify(stackFileSchema(), null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL("schema.json", import.meta.url), schemaText());
