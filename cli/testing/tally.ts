/** The outcome of one step of the test run. */
export interface Tally {
  step: string;
  passed: number;
  failed: number;
  /** Skipped or still to be written. */
  skipped: number;
  seconds: number;
}

/** Runs a check that passes or fails as a whole. */
export async function check(step: string, work: () => Promise<boolean>): Promise<Tally> {
  const started = Date.now();
  const good = await work();
  return {
    step,
    passed: good ? 1 : 0,
    failed: good ? 0 : 1,
    skipped: 0,
    seconds: (Date.now() - started) / 1000,
  };
}

export function total(tallies: readonly Tally[], of: "passed" | "failed" | "skipped"): number {
  return tallies.reduce((sum, tally) => sum + tally[of], 0);
}

/** A line a step, then the line that scripts read: `N passed, N failed`. */
export function summary(tallies: readonly Tally[]): string {
  const width = Math.max(0, ...tallies.map(({ step }) => step.length));
  const lines = tallies.map(({ step, passed, failed, skipped, seconds }) => {
    const more = skipped ? `, ${skipped} skipped` : "";
    return `  ${failed ? "✗" : "✓"} ${step.padEnd(width)}  ${passed} passed, ${failed} failed${more}  ${seconds.toFixed(1)} s`;
  });
  return `${lines.join("\n")}\n${total(tallies, "passed")} passed, ${total(tallies, "failed")} failed`;
}
