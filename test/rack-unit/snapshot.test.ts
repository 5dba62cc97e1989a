import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createMachine } from "../../rack/node/disks.ts";
import { nodeFiles } from "../../rack/node/files.ts";
import { resetNode } from "../../rack/node/lifecycle.ts";
import { nodeSpec } from "../../rack/nodes/index.ts";
import { findTool } from "../../rack/packages.ts";
import { rackStateDir } from "../../rack/paths.ts";
import { run } from "../../rack/run.ts";
import { nodeSecret } from "../../rack/secrets.ts";
import { hasSnapshot, restoreSnapshot, takeSnapshot } from "../../rack/snapshot.ts";
import { temporaryState } from "./state.ts";

temporaryState();
const quiet = () => undefined;
const here = ["qemu-img", "qemu-io", "mke2fs"].every((tool) => findTool(tool) !== undefined);

const write = (file: string, pattern: number) =>
  run(["qemu-io", "-f", "qcow2", "-c", `write -P ${pattern} 1M 64k`, file]);
/** qemu-io says so, and exits with 1, when the bytes are others. */
const holds = (file: string, pattern: number) =>
  run(["qemu-io", "-f", "qcow2", "-c", `read -P ${pattern} 1M 64k`, file]).then(
    (output) => !output.includes("verification failed"),
    () => false,
  );

describe.skipIf(!here)("a snapshot of a node's machine", { timeout: 60_000 }, () => {
  const first = "entry-4090.one";
  const second = "entry-4090.two";
  const system = (name: string) => nodeFiles(name).disk("system");

  beforeAll(async () => {
    const folder = rackStateDir("image");
    const root = join(folder, "root.qcow2");
    await run(["qemu-img", "create", "-q", "-f", "qcow2", root, "64M"]);
    for (const name of ["kernel", "initrd", "status"]) writeFileSync(join(folder, name), name);
    await createMachine(nodeSpec(first), nodeFiles(first), {
      root,
      kernel: join(folder, "kernel"),
      initrd: join(folder, "initrd"),
      dpkgStatus: join(folder, "status"),
      kernelRelease: "6",
    });
    mkdirSync(nodeFiles(first).tpmState);
    writeFileSync(join(nodeFiles(first).tpmState, "state"), "sealed");
    rmSync(folder, { recursive: true });
  }, 60_000);

  it("starts another node where this one was, disks, TPM and keys, and each goes its own way", async () => {
    const key = nodeSecret(first, "vault-key").reveal();
    await write(system(first), 1);
    expect(hasSnapshot("provisioned")).toBe(false);
    await takeSnapshot(first, "provisioned", quiet);
    await restoreSnapshot(second, "provisioned", quiet);
    await write(system(second), 2);
    expect(await holds(system(first), 1)).toBe(true);
    expect(await holds(system(first), 2)).toBe(false);
    expect(await holds(system(second), 2)).toBe(true);
    expect(existsSync(join(nodeFiles(second).tpmState, "state"))).toBe(true);
    expect(nodeSecret(second, "vault-key").reveal()).toBe(key);
  });

  it("may be taken of a node that stands on one", async () => {
    await takeSnapshot(second, "later", quiet);
    await restoreSnapshot(first, "later", quiet);
    expect(await holds(system(first), 2)).toBe(true);
    await restoreSnapshot(first, "provisioned", quiet);
    expect(await holds(system(first), 1)).toBe(true);
  });

  it("outlives the node that it was taken of, and is asked for by name", async () => {
    await resetNode(first, quiet);
    expect(existsSync(nodeFiles(first).machine)).toBe(false);
    await restoreSnapshot(first, "provisioned", quiet);
    expect(await holds(system(first), 1)).toBe(true);
    await expect(restoreSnapshot(first, "never taken", quiet)).rejects.toThrow(/no such snapshot/);
  });
});
