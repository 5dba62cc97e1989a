import type { ScriptInputs, ScriptValue } from "../noun.ts";

const KEY = /^[a-z][a-z0-9_]*$/;

/**
 * The one quoting function: inputs of a script as `key=value` lines, a list as a repeated key. Lone surrogates
 * become U+FFFD, as in any UTF-8 encoder.
 * @throws when a key is no script variable or a value holds NUL, which bash cannot carry
 */
export function encodeSection(inputs: ScriptInputs): string {
  let text = "";
  for (const [key, value] of Object.entries(inputs)) {
    if (!KEY.test(key)) throw new Error(`${key}: a script input is named [a-z][a-z0-9_]*`);
    for (const item of isList(value) ? value : [value]) text += `${key}=${escaped(key, item)}\n`;
  }
  return text;
}

function isList(value: ScriptValue | readonly ScriptValue[]): value is readonly ScriptValue[] {
  return Array.isArray(value);
}

function escaped(key: string, value: ScriptValue): string {
  const text = String(value);
  if (text.includes("\0")) throw new Error(`${key}: holds a NUL byte, which no configuration value may`);
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll("\r", "\\r");
}

/** A constant as one word of a POSIX shell command line. For paths of racksmith's own making, never for data. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
