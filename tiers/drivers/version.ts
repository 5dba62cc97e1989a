/** Orders two dotted numeric versions (`525.85.12`, `13.0`): negative, zero or positive; a missing part counts as 0. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function isOlder(version: string, than: string): boolean {
  return compareVersions(version, than) < 0;
}

/** `580.173.02` → 580. */
export function branchOf(driver: string): number {
  return Number(driver.split(".")[0]);
}
