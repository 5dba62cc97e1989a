import type { Connection } from "./connection.ts";
import { type Problem, show } from "./problem.ts";

/** Addresses also reach the ssh binary, which reads a leading sign as an option and `%` as a word of its own. */
export function addressProblems(connection: Connection | undefined, at: string): Problem[] {
  if (connection === undefined) return [];
  const { jump } = connection;
  const jumps = Array.isArray(jump)
    ? jump.map(({ address }, index) => [`jump/${index}/address`, address] as const)
    : jump
      ? [["jump/address", jump.address] as const]
      : [];
  const wrong = [["address", connection.address] as const, ...jumps].filter(
    ([, address]) => !plainAddress.test(address),
  );
  return wrong.map(([field, address]) => ({
    path: `${at}/${field}`,
    problem: `found ${show(address)}`,
    allowed: "a host name or an IP address; %ZONE only behind an IPv6 address",
  }));
}

/**
 * What racksmith's own connections can do and the ssh binary, through which containers are run, cannot: refused here,
 * where it costs nothing, instead of after the disks are encrypted.
 */
export function loginProblems(connection: Connection | undefined, at: string): Problem[] {
  if (connection === undefined) return [];
  const problems: Problem[] = [];
  if (Array.isArray(connection.jump) && connection.jump.length > 1) {
    problems.push({
      path: `${at}/jump`,
      problem: `found a list of ${connection.jump.length}`,
      allowed: "one jump host",
    });
  }
  const jumps = [connection.jump ?? []].flat().map((jump) => ["jump/", jump] as const);
  for (const [under, end] of [["", connection] as const, ...jumps]) {
    if (end.passphrase !== undefined) {
      const problem = "found [secret], but ssh asks people for passphrases, and nobody is there to answer";
      problems.push({ path: `${at}/${under}passphrase`, problem, allowed: "agent: true, after ssh-add" });
    }
    if (end.privateKeyFile !== undefined && !/^[A-Za-z0-9/._~+@-]+$/.test(end.privateKeyFile)) {
      const problem = `found ${show(end.privateKeyFile)}`;
      problems.push({
        path: `${at}/${under}privateKeyFile`,
        problem,
        allowed: "a path of letters, digits and / . _ ~ + @ -",
      });
    }
  }
  return problems;
}

const plainAddress = /^(?!-)([A-Za-z0-9_.:-]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:]*%[A-Za-z0-9_.-]+)$/;
