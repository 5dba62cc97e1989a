/** One word of POSIX shell, whatever is in it. */
export function shellQuote(text: string): string {
  if (text.includes("\0")) throw new TypeError("a NUL cannot be passed through a shell");
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
