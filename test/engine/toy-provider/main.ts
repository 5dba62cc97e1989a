import { appendFileSync } from "node:fs";
import { closed } from "../../../provider/any-noun.ts";
import { serveNouns } from "../../../provider/server/serve-nouns.ts";
import { loadScripts } from "../../../provider/ssh/scripts.ts";
import { toy } from "../../support/toy/noun.ts";

const { TOY_SCRIPTS, TOY_LIBRARY, TOY_PIDS } = process.env;
// Who to kill -9 in mid-act.
if (TOY_PIDS !== undefined) appendFileSync(TOY_PIDS, `${process.pid}\n`);
await serveNouns([closed(toy)], {
  scripts: loadScripts(TOY_SCRIPTS, TOY_LIBRARY),
  reattachMs: 15_000,
  graceMs: 500,
});
