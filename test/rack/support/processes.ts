import { readdirSync, readFileSync } from "node:fs";

/** Every process below this one: pid and argv, nearest first. */
export function descendants(pid: number): { pid: number; argv: string }[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found: { pid: number; argv: string }[] = [];
  const next = [...(children.get(pid) ?? [])];
  for (let one = next.shift(); one !== undefined; one = next.shift()) {
    found.push({ pid: one, argv: argvOf(one) });
    next.push(...(children.get(one) ?? []));
  }
  return found;
}

/** kill -9 of a process below `pid` whose argv fits; how many there were. */
export function killBelow(pid: number, what: RegExp): number {
  const fitting = descendants(pid).filter(({ argv }) => what.test(argv));
  for (const one of fitting) {
    try {
      process.kill(one.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
  return fitting.length;
}

function parentOf(pid: string): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, "utf8").replace(/^.*\)/s, "").trim().split(" ")[1]);
  } catch {
    return undefined;
  }
}

function argvOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
