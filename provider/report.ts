/** Where a resource's messages go: the engine's log, under that resource. Texts are redacted on the way. */
export interface Report {
  /** Shown while it lasts, then replaced. */
  status(text: string): void;
  info(text: string): void;
  warn(text: string): void;
}
