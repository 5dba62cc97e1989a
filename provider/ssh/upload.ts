import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import type { Upload } from "../noun.ts";
import type { Report } from "../report.ts";
import { Backoff, mayPassAgain } from "./backoff.ts";
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
      if (!mayPassAgain(error) || backoff.spent) throw error;
      context.report.status(`connection cut while ${tried}; reconnecting`);
      await backoff.pause(context.signal).catch(() => {
        throw stopped(tried, offset, upload, context.host);
      });
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
  // At once: it may fail before anything reads it, and an error that nobody hears ends the process.
  let unreadable: Error | undefined;
  file.on("error", (error) => {
    unreadable = error;
  });
  // Read as the channel takes it: a listener for data would set the file flowing before there is a channel, and lose it.
  const stdin = Readable.from(counted(file, offset, upload.sizeBytes, tried, context.report));
  let size: number | undefined;
  try {
    const { code, stderr } = await context.dispatcher.run(tried, ["receive", upload.key, String(offset)], {
      stdin,
      signal: context.signal,
      onLine: (line) => {
        if (line.startsWith("::size ")) size = Number(line.slice(7));
        else if (line.startsWith("::status ")) context.report.status(line.slice(9));
      },
    });
    if (unreadable !== undefined) throw unreadable;
    const moved = code === 0 && size !== undefined && size > offset;
    if (size !== undefined && (moved || code === WRONG_OFFSET)) return size;
    throw new HostError({
      kind: "failed",
      host: context.host,
      tried,
      problem: code === 0 ? "nothing arrived there" : `exit status ${code ?? "none"}`,
      lastLines: stderr,
    });
  } catch (error) {
    // What the host made of an upload that stopped in the middle is beside the point: here is the cause.
    throw unreadable === undefined ? error : cannotRead(upload, tried, unreadable, context.host);
  } finally {
    stdin.destroy();
    file.destroy();
  }
}

/** The chunks as they are, told about once a second. */
async function* counted(
  chunks: AsyncIterable<Buffer>,
  offset: number,
  sizeBytes: number,
  tried: string,
  report: Report,
) {
  let sent = offset;
  let shown = 0;
  for await (const chunk of chunks) {
    sent += chunk.length;
    if (Date.now() - shown >= 1000) {
      shown = Date.now();
      const percent = Math.floor((sent / sizeBytes) * 100);
      report.status(
        `${tried}: ${(sent / MIB).toFixed(1)} of ${(sizeBytes / MIB).toFixed(1)} MiB (${percent} %)`,
      );
    }
    yield chunk;
  }
}

function cannotRead({ localPath }: Upload, tried: string, cause: Error, host: string): HostError {
  return new HostError({
    kind: "failed",
    host,
    tried,
    problem: `cannot read ${localPath} on this workstation: ${cause.message}`,
    remedy: `see that ${localPath} is there, and its disk or network share in order; then run \`up\` again: it sends what is missing`,
    cause,
  });
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
