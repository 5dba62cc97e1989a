import type { Report } from "../../provider/report.ts";
import { Pool } from "../../provider/ssh/pool.ts";
import { Redactor } from "../../provider/ssh/redact.ts";
import { loadScripts } from "../../provider/ssh/scripts.ts";
import { type SshServer, toyScripts } from "../support/ssh-server.ts";

export class Messages implements Report {
  statuses: string[] = [];
  infos: string[] = [];
  warnings: string[] = [];
  status(text: string): void {
    this.statuses.push(text);
  }
  info(text: string): void {
    this.infos.push(text);
  }
  warn(text: string): void {
    this.warnings.push(text);
  }
}

/** A pool as the provider has it, against the in-process server, with the toy scripts. */
export async function fixture(server: SshServer, reattachMs = 20_000) {
  const stopping = new AbortController();
  const redactor = new Redactor();
  const scripts = loadScripts(await toyScripts(server.folder), server.library);
  const pool = new Pool({ redactor, scripts, reattachMs, signal: stopping.signal });
  return { pool, redactor, stopping, report: new Messages() };
}
