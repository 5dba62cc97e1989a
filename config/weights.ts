import { z } from "zod";
import { httpUrl } from "./common.ts";

const plainName = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    "must start with a letter or digit, then up to 62 of A-Z a-z 0-9 . _ -",
  );

export const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hex digits");

/** Why a path inside a model may not be used, or nothing. */
export function pathProblem(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.length > 1024) return "is longer than 1024 characters";
  if (/\p{Cc}/u.test(path)) return "contains a control character";
  if (path.startsWith("/")) return "is absolute";
  if (path.includes("\\")) return "contains a backslash";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".."))
    return "contains an empty, . or .. part";
  if (parts.some((part) => Buffer.byteLength(part) > 255)) return "has a part longer than 255 bytes";
  return undefined;
}

/** A file of a model: its path inside it, its hash and its size in bytes. */
export const weightFile = z.strictObject({
  path: z.string().superRefine((path, context) => {
    const problem = pathProblem(path);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  }),
  sha256: sha256Hex,
  sizeBytes: z.int().min(0),
});
export type WeightFile = z.output<typeof weightFile>;

/** The fields that config and resource share. */
export const weightsFields = {
  name: plainName.describe("name of the model"),
  version: plainName.describe("version of the model; new content needs a new one"),
  keepVersions: z
    .int()
    .min(1)
    .max(20)
    .default(2)
    .describe("versions that stay on the vault, the current one included"),
  verify: z
    .enum(["quick", "full"])
    .default("quick")
    .describe(
      "quick compares sizes and times at each look; full also has `up` read every byte that was not read within a day",
    ),
  onDelete: z
    .enum(["keep", "wipe"])
    .default("keep")
    .describe("what destroy does with the versions on the vault"),
};

const directorySource = z.strictObject({
  kind: z.literal("directory").describe("a folder on the workstation, uploaded"),
  directory: z
    .string()
    .min(1)
    .max(4096)
    .describe("folder on the workstation. Its SHA256SUMS is the manifest; without one, the files are hashed"),
});

const urlSource = z.strictObject({
  kind: z.literal("url").describe("the node fetches the model itself"),
  url: httpUrl.describe("base URL; the node fetches SHA256SUMS and then each file below it"),
  manifestSha256: sha256Hex.describe("SHA-256 of the SHA256SUMS file, so that nobody in between can swap it"),
});

/** `racksmith:weights`: which model is on the vault, and where it comes from. */
export const weightsConfig = z.strictObject({
  ...weightsFields,
  source: z.discriminatedUnion("kind", [directorySource, urlSource]).describe("where the model comes from"),
});
export type WeightsConfig = z.output<typeof weightsConfig>;
