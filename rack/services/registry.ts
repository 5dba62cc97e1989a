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
import { mustBeFree } from "./ports.ts";

/** The rack's image registry, with TLS: racksmith refuses registries without. */
export interface Registry {
  /** `127.0.0.1:PORT`: where the workstation pushes. */
  pushHost: string;
  /** `10.0.2.2:PORT`: the same registry as the nodes name it. */
  pullHost: string;
  /** Folder holding `ca.crt`, as skopeo and buildah want it (`--dest-cert-dir`, `--cert-dir`). */
  certificateDir: string;
}

const home = (): string => rackStateDir("services", "registry");
const pidFile = (): string => join(home(), "registry.pid");

export function registryAt(port: number): Registry {
  return {
    pushHost: `127.0.0.1:${port}`,
    pullHost: `${WORKSTATION_ADDRESS}:${port}`,
    certificateDir: privateDir(join(home(), "certs")),
  };
}

/** Starts the registry unless it runs. */
export async function serveRegistry(port: number, tell: Progress): Promise<Registry> {
  await needTools(["docker-registry", "openssl"], tell);
  const registry = registryAt(port);
  const certificate = await makeCertificate(registry.certificateDir);
  if (runningPid(pidFile()) !== undefined && (await answers(port, certificate.ca))) return registry;
  await stopRegistry();
  await mustBeFree(port, "image registry");
  const configFile = join(home(), "config.json");
  writeFileSync(configFile, JSON.stringify(configuration(port, certificate), null, 2));
  const logFile = join(home(), "registry.log");
  startDaemon({ argv: ["docker-registry", "serve", configFile], pidFile: pidFile(), logFile, cwd: home() });
  for (let waitedMs = 0; !(await answers(port, certificate.ca)); waitedMs += 100) {
    if (waitedMs > 15_000 || runningPid(pidFile()) === undefined)
      throw new RackError(
        `the rack's image registry did not start on ${registry.pushHost}\n${lastLines(logFile)}`,
      );
    await sleep(100);
  }
  tell(`image registry: ${registry.pushHost}`);
  return registry;
}

export async function stopRegistry(): Promise<void> {
  await stopDaemon(pidFile());
}

export function registryPid(): number | undefined {
  return runningPid(pidFile());
}

/** The registry's certificate where Docker looks for it: what a site with a registry of its own distributes. */
export function registrySeed(registry: Registry): SeedFile[] {
  return [
    {
      path: `/etc/docker/certs.d/${registry.pullHost}/ca.crt`,
      mode: "0644",
      text: readFileSync(join(registry.certificateDir, "ca.crt"), "utf8"),
      when: "always",
    },
  ];
}

interface Certificate {
  ca: string;
  key: string;
}

/** Self-signed, so it is its own authority; made once for a rack. */
async function makeCertificate(dir: string): Promise<Certificate> {
  const ca = join(dir, "ca.crt");
  // Outside `dir`: a client's certificate folder may hold no stray key.
  const key = join(home(), "server.key");
  if (existsSync(ca)) return { ca, key };
  await run([
    "openssl",
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
    ...["-days", "3650", "-subj", "/CN=racksmith virtual rack", "-keyout", key, "-out", `${ca}.new`],
    ...["-addext", `subjectAltName=IP:127.0.0.1,IP:${WORKSTATION_ADDRESS}`],
  ]);
  renameSync(`${ca}.new`, ca);
  return { ca, key };
}

function configuration(port: number, certificate: Certificate): unknown {
  return {
    version: "0.1",
    log: { level: "warn", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: privateDir(join(home(), "data")) }, delete: { enabled: true } },
    http: {
      addr: `127.0.0.1:${port}`,
      tls: { certificate: certificate.ca, key: certificate.key },
    },
  };
}

function answers(port: number, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = {
      host: "127.0.0.1",
      port,
      path: "/v2/",
      ca: readFileSync(ca),
      timeout: 3000,
      agent: false,
    };
    const attempt = request(options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    attempt.once("error", () => resolve(false));
    attempt.once("timeout", () => attempt.destroy());
    attempt.end();
  });
}
