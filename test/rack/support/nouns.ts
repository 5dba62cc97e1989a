import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { vaultDevice } from "../../../components/weight-storage.ts";
import type { ConnectionInput } from "../../../config/connection.ts";
import { stackFileValues, withStandIns } from "../../../config/file.ts";
import { type NodeConfig, parseStackConfig } from "../../../config/index.ts";
import { manifestOf } from "../../../config/weights-manifest.ts";
import { stackFile } from "../../../rack/stack.ts";

const APART = fileURLToPath(new URL("./ensure-apart.ts", import.meta.url));

/** What the node's stack config says of it, defaults included; encrypted keys are stood in for. */
export function nodeConfig(node: string): NodeConfig {
  const { values } = withStandIns(stackFileValues(readFileSync(stackFile(node), "utf8")));
  const parsed = parseStackConfig(values);
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config.hosts[0]!;
}

/** Inputs of the nouns as the program's components make them from the config. */
export function inputsOf({ raid, vault, weights, docker }: NodeConfig) {
  return {
    raid: { ...raid },
    vault: { ...vault, key: vault.key.reveal(), device: vaultDevice(raid, vault) },
    docker: { ...docker, gpu: false },
    /** A model from a folder of the workstation. */
    weights: async (directory: string, version: string) => {
      const manifest = await manifestOf(directory);
      if ("problems" in manifest) throw new Error(JSON.stringify(manifest.problems));
      const { source: _, ...choice } = weights;
      return { ...choice, version, directory, ...manifest };
    },
  };
}

/** One noun being brought about by a provider of its own. */
export interface NounRun {
  child: ChildProcess;
  /** Everything it said so far. */
  output(): string;
  /** Resolves when it says something that fits; rejects when it ends before. */
  says(what: RegExp): Promise<void>;
  ended: Promise<{ code: number | null; output: string }>;
}

export function startNoun(
  noun: string,
  inputs: Record<string, unknown>,
  connection: ConnectionInput | NodeConfig["connection"],
): NounRun {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", APART], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.end(JSON.stringify({ noun, inputs, connection }));
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const listen of listeners) listen();
    });
  }
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, output })),
  );
  const says = (what: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (what.test(output)) resolve();
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`${noun}: ended without saying ${what}:\n${output}`)));
    });
  return { child, output: () => output, says, ended };
}

/** Brings a noun about; throws what it says when that fails. */
export async function ensureNoun(...run: Parameters<typeof startNoun>): Promise<string> {
  const { code, output } = await startNoun(...run).ended;
  if (code !== 0) throw new Error(output);
  return output;
}

/** The error of a noun that must not come about. */
export async function refusedNoun(...run: Parameters<typeof startNoun>): Promise<string> {
  const { code, output } = await startNoun(...run).ended;
  if (code === 0) throw new Error(`${run[0]}: came about, and should not have:\n${output}`);
  return output;
}
