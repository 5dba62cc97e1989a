/** Something a person can mend: says what was found, what was wanted and what to do. */
export class RackError extends Error {
  override readonly name = "RackError";
}

/** What the rack tells while it works; one line each. */
export type Progress = (line: string) => void;
