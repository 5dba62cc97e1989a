import { existsSync, readFileSync } from "node:fs";
import { runningPid } from "./daemon.ts";
import { knownNodes, nodeFiles, readRecord } from "./node/files.ts";
import { NODES } from "./nodes/index.ts";
import { registryPid } from "./services/registry.ts";
import { repositoryPid } from "./services/repository.ts";
import { stackFile, stackName } from "./stack.ts";

/** What runs of the rack, as lines for a person. */
export function statusLines(): string[] {
  const names = [...new Set([...NODES.map(({ name }) => name), ...knownNodes()])].sort();
  return [
    ...names.flatMap(nodeLines),
    `package repository: ${state(repositoryPid())}`,
    `image registry: ${state(registryPid())}`,
  ];
}

function nodeLines(name: string): string[] {
  const files = nodeFiles(name);
  const pid = runningPid(files.qemuPid);
  const record = readRecord(name);
  if (pid === undefined)
    return [
      `${name}: off${existsSync(files.machine) ? ", its disks are kept" : ", never started (a bare server)"}`,
    ];
  const ports = Object.entries(record?.ports ?? {}).map(([port, number]) => `${port} 127.0.0.1:${number}`);
  const config = stackFile(name);
  return [
    `${name}: running (process ${pid}, ${residentMiB(pid)} MiB, ${record?.accelerator ?? "?"}, since ${record?.startedAt ?? "?"})`,
    `  ${ports.join(", ")}`,
    ...(existsSync(config) ? [`  stack ${stackName(name)}: ${config}`] : []),
  ];
}

function state(pid: number | undefined): string {
  return pid === undefined ? "not running" : `running (process ${pid})`;
}

/** Memory that a process really holds, in MiB. */
function residentMiB(pid: number): number {
  try {
    return Math.round(
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024,
    );
  } catch {
    return 0;
  }
}
