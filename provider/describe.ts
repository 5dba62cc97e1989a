import type { Change, Refusal } from "./noun.ts";

const LONGEST = 200;

/** `level: found 0, wanted 1 (data loss: the array is made anew)` */
export function describeChange({ path, found, wanted, disruption, why }: Change): string {
  const cost = disruption === "none" ? "no disruption" : disruption;
  return `${path}: found ${show(found)}, wanted ${show(wanted)} (${cost}${why === undefined ? "" : `: ${why}`})`;
}

/** `member: found sda1 with ext4, wanted an empty disk → type its serial into …` */
export function describeRefusal({ path, found, wanted, remedy }: Refusal): string {
  return `${path}: found ${show(found)}, wanted ${show(wanted)} → ${remedy}`;
}

/** A value on one line. */
export function show(value: unknown): string {
  if (value === undefined || value === null || value === "") return "nothing";
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  const line = text.replaceAll("\n", "\\n").replaceAll("\r", "\\r");
  return line.length > LONGEST
    ? `${line.slice(0, LONGEST).toWellFormed()}… (${text.length} characters)`
    : line;
}
