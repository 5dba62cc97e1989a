import { createReadStream } from "node:fs";
import type { Upload } from "../noun.ts";
import type { Report } from "../report.ts";
import { Backoff, mayPass } from "./backoff.ts";
import type { Dispatcher } from "./command.ts";
import { HostError } from "./errors.ts";

const WRONG_OFFSET = 68;
const MIB = 1024 * 1024;

export interface UploadContext {
  host: string;
  dispatcher: Dispatcher;
  report: Report;
  signal: AbortSignal;
  reattachMs: number;
}

/** Streams a file's missing bytes to its staging file; after a cut it goes on from what arrived. @throws HostError */
export async function sendFile(upload: Upload, context: UploadContext): Promise<void> {
  const tried = `sending ${upload.localPath}`;
  let offset = upload.offsetBytes;
  let backoff = new Backoff(context.reattachMs);
  while (offset < upload.sizeBytes) {
    try {
      const before = offset;
      offset = await sendFrom(upload, offset, tried, context);
      if (offset > before) backoff = new Backoff(context.reattachMs);
    } catch (error) {
      if (context.signal.aborted) throw stopped(tried, offset, upload, context.host);
      if (!mayPass(error) || backoff.spent) throw error;
      context.report.status(`connection cut while ${tried}; reconnecting`);
      await backoff.pause(context.signal);
    }
  }
  if (offset > upload.sizeBytes) {
    throw new HostError({
      kind: "failed",
      host: context.host,
      tried,
      problem: `its staging file has ${offset} bytes, the file ${upload.sizeBytes}`,
      remedy: `remove /var/lib/racksmith/incoming/${upload.key} on the host and run again`,
    });
  }
}

/** One transfer. Returns how much the node has then. */
async function sendFrom(
  upload: Upload,
  offset: number,
  tried: string,
  context: UploadContext,
): Promise<number> {
  const file = createReadStream(upload.localPath, {
    start: offset,
    end: upload.sizeBytes - 1,
    highWaterMark: MIB,
  });
  let sent = offset;
  let shown = 0;
  file.on("data", (chunk) => {
    sent += chunk.length;
    if (Date.now() - shown < 1000) return;
    shown = Date.now();
    const percent = Math.floor((sent / upload.sizeBytes) * 100);
    context.report.status(
      `${tried}: ${Math.floor(sent / MIB)} of ${Math.ceil(upload.sizeBytes / MIB)} MiB (${percent} %)`,
    );
  });
  let size: number | undefined;
  try {
    const { code, stderr } = await context.dispatcher.run(tried, ["receive", upload.key, String(offset)], {
      stdin: file,
      signal: context.signal,
      onLine: (line) => {
        if (line.startsWith("::size ")) size = Number(line.slice(7));
      },
    });
    if (size !== undefined && (code === 0 || code === WRONG_OFFSET)) return size;
    throw new HostError({
      kind: "failed",
      host: context.host,
      tried,
      problem: `exit status ${code ?? "none"}`,
      lastLines: stderr,
    });
  } finally {
    file.destroy();
  }
}

function stopped(tried: string, offset: number, upload: Upload, host: string): HostError {
  return new HostError({
    kind: "cancelled",
    host,
    tried,
    problem: `cancelled after ${offset} of ${upload.sizeBytes} bytes`,
    remedy: "what arrived stays; the next `up` sends the rest",
  });
}
