import { createInterface } from "node:readline/promises";
import { CliError, exitCodes } from "../errors.ts";

/** Asks on the terminal for the word yes. Without a terminal it refuses and says which option answers instead. */
export async function askOnTerminal(question: string, purpose: string, option: string): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new CliError(`no terminal to ask on: give ${option}`, exitCodes.refused);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await terminal.question(`${question} Type yes to ${purpose}: `)).trim() === "yes";
  } finally {
    terminal.close();
  }
}
