import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Accelerator } from "../accel.ts";
import type { NodeSpec, PortSpec } from "../nodes/types.ts";
import { privateDir, rackStateDir, socketDir } from "../paths.ts";

/** Where everything of one node lies on the workstation. */
export interface NodeFiles {
  name: string;
  dir: string;
  /** Disks, TPM state and what they stand on: what `reset` throws away. */
  machine: string;
  disk(id: string): string;
  tpmState: string;
  console: string;
  knownHosts: string;
  qemuPid: string;
  qemuLog: string;
  tpmPid: string;
  tpmLog: string;
  qmpSocket: string;
  tpmSocket: string;
  lock: string;
}

export function nodeFiles(name: string): NodeFiles {
  const dir = rackStateDir("nodes", name);
  const machine = join(dir, "machine");
  const sockets = socketDir(dir);
  return {
    name,
    dir,
    machine,
    disk: (id) => join(machine, `${id}.qcow2`),
    tpmState: join(machine, "tpm"),
    console: join(dir, "console.log"),
    knownHosts: join(dir, "known_hosts"),
    qemuPid: join(dir, "qemu.pid"),
    qemuLog: join(dir, "qemu.log"),
    tpmPid: join(dir, "swtpm.pid"),
    tpmLog: join(dir, "swtpm.log"),
    qmpSocket: join(sockets, "qmp"),
    tpmSocket: join(sockets, "tpm"),
    lock: join(privateDir(join(rackStateDir(), "locks")), name),
  };
}

export type PortMap = Partial<Record<PortSpec["name"], number>>;

/** What was decided when the node last started. */
export interface NodeRecord {
  ports: PortMap;
  accelerator: Accelerator;
  startedAt: string;
}

export function readRecord(name: string): NodeRecord | undefined {
  const file = join(nodeFiles(name).dir, "node.json");
  // Written by `writeRecord` only, whole or not at all.
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as NodeRecord) : undefined;
}

export function writeRecord(name: string, record: NodeRecord): void {
  const file = join(nodeFiles(name).dir, "node.json");
  writeFileSync(`${file}.new`, `${JSON.stringify(record, null, 2)}\n`);
  renameSync(`${file}.new`, file);
}

/** Names of the nodes that have a folder, running or not. */
export function knownNodes(): string[] {
  return readdirSync(rackStateDir("nodes"));
}

/** Ports that other nodes hold or will want again. */
export function portsOfOthers(name: string): Set<number> {
  const others = knownNodes().filter((other) => other !== name);
  return new Set(others.flatMap((other) => Object.values(readRecord(other)?.ports ?? {})));
}

export function namedPorts(spec: NodeSpec, ports: readonly number[]): PortMap {
  return Object.fromEntries(spec.ports.map(({ name }, index) => [name, ports[index]]));
}
