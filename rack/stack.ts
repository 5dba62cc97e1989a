import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { parse, stringify } from "yaml";
import { isEncrypted } from "../config/file.ts";
import { formatProblem, parseStackConfig } from "../config/index.ts";
import { isMapping } from "../config/merge.ts";
import { Secret } from "../config/secret.ts";
import { RackError } from "./errors.ts";
import type { NodeSpec } from "./nodes/types.ts";
import { rackStateDir } from "./paths.ts";

/** Images that the rack's registry holds, each `10.0.2.2:PORT/NAME@sha256:…`. */
export interface RackImages {
  /** The engine that answers on a node without a GPU. */
  llamacpp: string;
  /** Monitoring's images, where the rack has them; without any, monitoring is switched off. */
  monitoring: Readonly<Record<string, string>>;
}

/** What a node's stack config says beside what follows from the node's description. */
export interface StackFacts {
  sshPort: number;
  user: string;
  hostPublicKey: string;
  privateKeyFile: string;
  vaultKey: Secret;
  apiKey: Secret;
  images: RackImages;
  /** Folder with the model's files. */
  weightsDirectory: string;
}

export function stackName(node: string): string {
  return `rack-${node}`;
}

/** The node's configuration as the `racksmith:` keys, secrets still wrapped. Pure. */
export function stackConfig(spec: NodeSpec, facts: StackFacts): Record<string, unknown> {
  const members = spec.disks.filter(({ bus }) => bus === "nvme").slice(0, 2);
  const monitored = Object.keys(facts.images.monitoring).length > 0;
  return {
    tier: spec.tier,
    hosts: [
      {
        name: spec.name,
        address: "127.0.0.1",
        port: facts.sshPort,
        user: facts.user,
        hostKeys: [facts.hostPublicKey],
        privateKeyFile: facts.privateKeyFile,
      },
    ],
    // The tier asks for a real server's size; this one is a simulated machine's.
    host: {
      memoryGiB: Math.floor(spec.memoryMiB / 1024),
      diskGB: Math.min(...members.map(({ sizeMiB }) => Math.floor((sizeMiB * 1024 * 1024) / 1e9))),
      rootFreeGiB: 4,
    },
    raid: { level: 1, members: members.map(({ serial }) => serial) },
    // Deriving a key is made cheap: an emulated CPU is thirty times slower than a server's.
    vault: { unlock: "tpm2", key: facts.vaultKey, pbkdfMemoryMiB: 64, pbkdfTimeMs: 500 },
    weights: {
      name: "racksmith-tiny",
      version: "v1",
      source: { kind: "directory", directory: facts.weightsDirectory },
    },
    inference: {
      image: facts.images.llamacpp,
      settings: { engine: "llamacpp", contextTokens: 2048, gpuLayers: 0 },
      servedName: "racksmith-tiny",
      modelPath: "model.gguf",
      gpus: [],
      limits: { memoryMiB: 1024, shmMiB: 64, tmpMiB: 64, pids: 256 },
      drainSeconds: 30,
      startTimeoutSeconds: 300,
      apiKeys: { rack: facts.apiKey },
    },
    monitoring: monitored
      ? {
          enabled: true,
          listenAddress: "10.0.2.15",
          images: facts.images.monitoring,
          retention: "2d",
          retentionSizeGB: 1,
        }
      : { enabled: false },
  };
}

/**
 * Writes `Pulumi.rack-NAME.yaml`, whole or not at all, for its owner's eyes only: it holds the simulated
 * node's keys, until the CLI encrypts them. A section that somebody edited since the last time stays as
 * edited. Checked first, since a config that racksmith refuses is the rack's mistake.
 */
export function writeStackConfig(spec: NodeSpec, facts: StackFacts): string {
  const config = revealed(stackConfig(spec, facts)) as Record<string, unknown>;
  const parsed = parseStackConfig(config);
  if ("problems" in parsed)
    throw new RackError(
      `${spec.name}: the rack made a stack config that racksmith refuses:\n${parsed.problems.map(formatProblem).join("\n")}`,
    );
  const made = Object.fromEntries(Object.entries(config).map(([key, value]) => [`racksmith:${key}`, value]));
  const file = stackFile(spec.name);
  const last = join(rackStateDir("stacks"), `${spec.name}.last.json`);
  const present = existsSync(file) ? asMapping(parse(readFileSync(file, "utf8"))) : {};
  const lastMade = existsSync(last) ? asMapping(JSON.parse(readFileSync(last, "utf8"))) : {};
  const kept = keepEdits(asMapping(present.config), lastMade, made);
  const header = `# Made by \`racksmith rack up ${spec.name}\`. The keys are the simulated node's own. What you edit stays.\n`;
  replace(file, header + stringify({ ...present, config: kept }, { lineWidth: 0 }));
  replace(last, JSON.stringify(made));
  return file;
}

/** Where a node's stack config is, whether or not it has been written. */
export function stackFile(node: string): string {
  return join(rackStateDir("stacks"), `Pulumi.${stackName(node)}.yaml`);
}

/**
 * What the rack makes now, except where the present value is not the one it made last time. What the CLI has
 * encrypted since is no edit, and stays encrypted. Pure.
 */
export function keepEdits(
  present: Record<string, unknown>,
  lastMade: Record<string, unknown>,
  made: Record<string, unknown>,
): Record<string, unknown> {
  const edited = Object.entries(present).filter(
    ([key, value]) => !isDeepStrictEqual(unsealed(value, lastMade[key]), lastMade[key]),
  );
  return { ...asMapping(sealedAs(made, present, lastMade)), ...Object.fromEntries(edited) };
}

/** The value with what is encrypted in it as it was made last. */
function unsealed(value: unknown, lastMade: unknown): unknown {
  if (isEncrypted(value)) return lastMade;
  if (!isMapping(value) || !isMapping(lastMade)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, unsealed(part, lastMade[key])]));
}

/** What is made now, encrypted where `present` holds the same value encrypted. */
function sealedAs(made: unknown, present: unknown, lastMade: unknown): unknown {
  if (isEncrypted(present) && isDeepStrictEqual(made, lastMade)) return present;
  if (!isMapping(made) || !isMapping(present) || !isMapping(lastMade)) return made;
  return Object.fromEntries(
    Object.entries(made).map(([key, part]) => [key, sealedAs(part, present[key], lastMade[key])]),
  );
}

function asMapping(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function revealed(value: unknown): unknown {
  if (value instanceof Secret) return value.reveal();
  if (Array.isArray(value)) return value.map(revealed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, revealed(part)]));
}
