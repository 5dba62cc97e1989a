import { rmSync } from "node:fs";
import type { Progress } from "./errors.ts";
import { type EnsureOptions, ensureNode, powerCut, type RackNode, siteOf } from "./index.ts";
import { nodeFiles } from "./node/files.ts";
import { resetNode } from "./node/lifecycle.ts";
import { onNode } from "./node/ssh.ts";

export { hasSnapshot, restoreSnapshot, takeSnapshot } from "./snapshot.ts";

/** A node as a test sees it. */
export interface TestNode extends RackNode {
  name: string;
  /** Runs a shell command as the login user; its stdout. Throws when it fails. */
  shell(command: string, timeoutSeconds?: number): Promise<string>;
  /** Cuts the power and waits until the node answers again. */
  powerCut(): Promise<void>;
}

const toStderr: Progress = (line) => void process.stderr.write(`  ${line}\n`);

/**
 * Runs `work` with a bare node of its own, made from the cached image in the time of one boot, and removes it
 * afterwards. `name` is as for `rack up`; give it a suffix (`entry-4090.raid-test`) so that nobody else's goes.
 */
export async function withNode<T>(
  name: string,
  work: (node: TestNode) => Promise<T>,
  options: Partial<EnsureOptions> = {},
): Promise<T> {
  const tell = options.tell ?? toStderr;
  await resetNode(name, tell);
  try {
    return await work(await testNode(name, { ...options, tell }));
  } finally {
    await resetNode(name, tell);
    rmSync(nodeFiles(name).dir, { recursive: true, force: true });
  }
}

/** The node as it is, booted if need be; nothing is thrown away. */
export async function testNode(name: string, options: Partial<EnsureOptions> = {}): Promise<TestNode> {
  const tell = options.tell ?? toStderr;
  const node = await ensureNode(name, { ...options, tell });
  // Known beforehand: a power cut must come at once, before the guest writes back what a test left unflushed.
  const site = await siteOf(tell);
  return {
    ...node,
    name,
    shell: (command, timeoutSeconds) => onNode(name, command, timeoutSeconds),
    powerCut: () => powerCut(name, { tell, site }),
  };
}
