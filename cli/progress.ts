import pc from "picocolors";

const err = process.stderr;

/** Plain text for people goes to stderr, so that stdout stays usable by scripts. */
export function say(text: string): void {
  err.write(`${text}\n`);
}

/** Something done by racksmith on its own that a person should know of. */
export function note(text: string): void {
  say(pc.yellow(`  ! ${text}`));
}

/**
 * Runs a long step and shows that it runs: a ticking line on a terminal, else one line at the start, one a
 * minute, and one at the end. `detail` may be called by the work to say what it is doing now.
 */
export async function step<T>(
  what: string,
  work: (detail: (text: string) => void) => Promise<T>,
): Promise<T> {
  const started = Date.now();
  const seconds = () => Math.round((Date.now() - started) / 1000);
  let detail = "";
  const draw = () => {
    const line = `  … ${what} (${seconds()} s)${detail && ` ${pc.dim(detail)}`}`;
    err.write(`\r${line.slice(0, (err.columns ?? 80) + (line.length - plainLength(line)) - 1)}\x1b[0m\x1b[K`);
  };
  if (err.isTTY) draw();
  else say(`  … ${what}`);
  const ticker = err.isTTY
    ? setInterval(draw, 500)
    : setInterval(() => say(`  … ${what}: still running after ${seconds()} s ${detail}`), 60_000);
  ticker.unref();
  const end = (mark: string) => {
    clearInterval(ticker);
    say(`${err.isTTY ? "\r\x1b[K" : ""}  ${mark} ${what} (${seconds()} s)`);
  };
  try {
    const result = await work((text) => {
      detail = text.replaceAll(/\s+/g, " ").trim();
    });
    end(pc.green("✓"));
    return result;
  } catch (error) {
    end(pc.red("✗"));
    throw error;
  }
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

function plainLength(text: string): number {
  return text.replaceAll(escapes, "").length;
}
