import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lastLines, runningPid, startDaemon, stopDaemon } from "../daemon.ts";
import { type Progress, RackError } from "../errors.ts";
import { WORKSTATION_ADDRESS } from "../image/recipe.ts";
import type { SeedFile } from "../node/seed.ts";
import { privateDir, rackStateDir } from "../paths.ts";
import { run } from "../run.ts";
import { needTools } from "../tools.ts";
import { mustBeFree, type ServicePorts } from "./ports.ts";

/**
 * The rack's image registry: one store behind two doors. Nodes pull through TLS (racksmith refuses registries
 * without) and can change nothing; the workstation pushes in the clear, on its loopback.
 */
export interface Registry {
  /** `127.0.0.1:PORT`: where the workstation pushes, plain HTTP. */
  pushHost: string;
  /** `10.0.2.2:PORT`: the same store as the nodes name it, TLS, read-only. */
  pullHost: string;
}

type Door = "push" | "pull";

const home = (): string => rackStateDir("services", "registry");
const pidFile = (door: Door): string => join(home(), `${door}.pid`);
const caFile = (): string => join(home(), "ca.crt");
// Beside the certificate, never handed out.
const keyFile = (): string => join(home(), "server.key");

/** Starts what of the registry does not run. */
export async function serveRegistry(ports: ServicePorts, tell: Progress): Promise<Registry> {
  await needTools(["docker-registry", "openssl"], tell);
  await makeCertificate();
  await open("push", ports.push, tell);
  await open("pull", ports.registry, tell);
  return { pushHost: `127.0.0.1:${ports.push}`, pullHost: `${WORKSTATION_ADDRESS}:${ports.registry}` };
}

async function open(door: Door, port: number, tell: Progress): Promise<void> {
  if (registryPid(door) !== undefined && (await answers(door, port))) return;
  await stopDaemon(pidFile(door));
  await mustBeFree(port, "image registry");
  const configFile = join(home(), `${door}.json`);
  const logFile = join(home(), `${door}.log`);
  writeFileSync(configFile, JSON.stringify(configuration(door, port), null, 2));
  startDaemon({
    argv: ["docker-registry", "serve", configFile],
    pidFile: pidFile(door),
    logFile,
    cwd: home(),
  });
  for (let waitedMs = 0; !(await answers(door, port)); waitedMs += 100) {
    if (waitedMs > 30_000 || registryPid(door) === undefined)
      throw new RackError(
        `the rack's image registry did not start on 127.0.0.1:${port}\n${lastLines(logFile)}`,
      );
    await sleep(100);
  }
  tell(`image registry: 127.0.0.1:${port} (${door})`);
}

export async function stopRegistry(): Promise<void> {
  await stopDaemon(pidFile("pull"));
  await stopDaemon(pidFile("push"));
}

export function registryPid(door: Door = "pull"): number | undefined {
  return runningPid(pidFile(door));
}

/** The registry's certificate where Docker looks for it: what a site with a registry of its own distributes. */
export function registrySeed(registry: Registry): SeedFile[] {
  return [
    {
      path: `/etc/docker/certs.d/${registry.pullHost}/ca.crt`,
      mode: "0644",
      text: readFileSync(caFile(), "utf8"),
      when: "always",
    },
  ];
}

/** Self-signed, so it is its own authority; made once for a rack. */
async function makeCertificate(): Promise<void> {
  if (existsSync(caFile())) return;
  await run([
    "openssl",
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", "3650", "-subj", "/CN=racksmith virtual rack"],
    ...["-keyout", keyFile(), "-out", `${caFile()}.new`],
    ...["-addext", `subjectAltName=IP:127.0.0.1,IP:${WORKSTATION_ADDRESS}`],
  ]);
  renameSync(`${caFile()}.new`, caFile());
}

function configuration(door: Door, port: number): unknown {
  return {
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: privateDir(join(home(), "data")) },
      ...(door === "pull" ? { maintenance: { readonly: { enabled: true } } } : { delete: { enabled: true } }),
    },
    http: {
      addr: `127.0.0.1:${port}`,
      ...(door === "pull" ? { tls: { certificate: caFile(), key: keyFile() } } : {}),
    },
  };
}

async function answers(door: Door, port: number): Promise<boolean> {
  if (door === "push")
    return fetch(`http://127.0.0.1:${port}/v2/`, { signal: AbortSignal.timeout(3000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  return new Promise((resolve) => {
    const ca = readFileSync(caFile());
    const attempt = request(
      { host: "127.0.0.1", port, path: "/v2/", ca, timeout: 3000, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      },
    );
    attempt.once("error", () => resolve(false));
    attempt.once("timeout", () => attempt.destroy());
    attempt.end();
  });
}
