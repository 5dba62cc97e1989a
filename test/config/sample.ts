import { type NodeConfig, type Problem, parseStackConfig, type StackConfig } from "../../config/index.ts";
import type { Mapping } from "../../config/merge.ts";

export const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
export const digest = `sha256:${"0123456789abcdef".repeat(4)}`;

/** A stack that is right, with nothing in it that has a default. */
export function sample(): Mapping & { hosts: Mapping[] } {
  return {
    tier: "entry-4090",
    hosts: [
      {
        name: "gpu-1",
        address: "192.0.2.10",
        hostKeys: [hostKey],
        raid: { members: ["S6A1", "S6A2"] },
      },
    ],
    vault: { key: "correct horse battery staple" },
    weights: { name: "qwen", version: "1", source: { kind: "directory", directory: "/models/qwen" } },
    inference: { servedName: "qwen", apiKeys: { app: "k".repeat(32) } },
  };
}

/** `sample()` with one value put somewhere, `undefined` to take it away. */
export function sampleWith(path: string, value: unknown): Mapping {
  const stack = sample();
  const keys = path.split("/");
  const last = keys.pop() ?? "";
  let at: unknown = stack;
  keys.forEach((key, index) => {
    const holder = at as Record<string, unknown>;
    holder[key] ??= /^\d+$/.test(keys[index + 1] ?? last) ? [] : {};
    at = holder[key];
  });
  const holder = at as Record<string, unknown>;
  if (value === undefined) delete holder[last];
  else holder[last] = value;
  return stack;
}

export function problemsOf(raw: Mapping): readonly Problem[] {
  const parsed = parseStackConfig(raw);
  return "problems" in parsed ? parsed.problems : [];
}

export function configOf(raw: Mapping): StackConfig {
  const parsed = parseStackConfig(raw);
  if ("problems" in parsed) throw new Error(JSON.stringify(parsed.problems, null, 2));
  return parsed.config;
}

export function firstHost(raw: Mapping): NodeConfig {
  const [host] = configOf(raw).hosts;
  if (host === undefined) throw new Error("no host");
  return host;
}
