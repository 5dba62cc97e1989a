import { accessSync, constants, existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { builtBin } from "./engine/build.ts";
import { ownGo } from "./engine/go.ts";
import { missingOfficialPlugins, ownEngine, userPulumiHome } from "./engine/locate.ts";
import { engineTools, goToolchain, goWanted, oldestPulumi } from "./engine/versions.ts";
import { messageOf } from "./errors.ts";
import { cacheDir, checkout, stateDir } from "./paths.ts";
import { packageOf } from "./testing/needs.ts";
import { systemPath, which } from "./which.ts";

export interface Check {
  name: string;
  /** `missing` is needed and not there; `optional` is not there, and racksmith brings it or does without. */
  state: "ok" | "optional" | "missing";
  found: string;
  why: string;
  remedy: string;
}

/** Looks at this machine; changes nothing. */
export async function runChecks(env: NodeJS.ProcessEnv = process.env): Promise<Check[]> {
  const checks = [node(), packages(), engine, go, plugins, ssh, folder, rackTools, testTools];
  return (
    await Promise.all(checks.map((check) => (typeof check === "function" ? check(env) : check)))
  ).flat();
}

function node(): Check {
  return {
    name: "node",
    state: "ok",
    found: `${process.version} (${process.execPath})`,
    why: "racksmith is TypeScript, run by Node",
    remedy: "",
  };
}

function packages(): Check {
  const there = existsSync(join(checkout, "node_modules", ".racksmith-stamp"));
  return {
    name: "npm packages",
    state: there ? "ok" : "missing",
    found: there ? "as locked" : "not installed, or not by ./racksmith",
    why: "the Pulumi SDK and SSH come from there",
    remedy: "run ./racksmith setup",
  };
}

async function engine(env: NodeJS.ProcessEnv): Promise<Check> {
  const why = "it runs the program and keeps the state";
  const own = await ownEngine(env);
  if (own && !own.unfit) {
    return {
      name: "pulumi",
      state: "ok",
      found: `${own.version} (your own, ${own.pulumi})`,
      why,
      remedy: "",
    };
  }
  const yours = own ? `yours (${own.pulumi}, ${own.version}) is not used: ${own.unfit}` : "none on PATH";
  const built = join(builtBin(engineTools(), cacheDir(env)), "pulumi");
  if (existsSync(built)) return { name: "pulumi", state: "ok", found: `built (${built})`, why, remedy: "" };
  return {
    name: "pulumi",
    state: "optional",
    found: `${yours}; not built yet`,
    why,
    remedy: `./racksmith setup builds it (four minutes on two free cores); or install Pulumi >= ${oldestPulumi.join(".")}`,
  };
}

async function go(env: NodeJS.ProcessEnv): Promise<Check> {
  const wanted = goWanted(engineTools());
  const own = await ownGo(wanted, env);
  return {
    name: "go",
    state: own ? "ok" : "optional",
    found: own ? own.version : `none, or older than ${wanted}`,
    why: "the engine is built with it when you have no Pulumi",
    remedy: `nothing: Go ${goToolchain.version} is brought from GOPROXY when it is wanted`,
  };
}

function plugins(env: NodeJS.ProcessEnv): Check {
  const home = userPulumiHome(env);
  const missing = missingOfficialPlugins(home);
  const wanted = env.RACKSMITH_PLUGINS === "official";
  return {
    name: "official plugins",
    state: missing.length === 0 ? "ok" : wanted ? "missing" : "optional",
    found: missing.length === 0 ? `in ${home}/plugins` : `${missing.join(", ")}: not in ${home}/plugins`,
    why: "images and hooks; the offline editions in offline/plugins do the same for what racksmith uses",
    remedy: missing.map((it) => `pulumi plugin install resource ${it}`).join(" && "),
  };
}

/** The official docker plugin runs it for every server; the offline edition only to pass a jump host. */
function ssh(env: NodeJS.ProcessEnv): Check {
  const found = which("ssh", systemPath(env.PATH));
  const edition = env.RACKSMITH_PLUGINS;
  const official =
    edition === "official" ||
    (edition !== "offline" && missingOfficialPlugins(userPulumiHome(env)).length === 0);
  return {
    name: "ssh",
    state: found ? "ok" : official ? "missing" : "optional",
    found: found ?? "none on PATH",
    why: "Docker on a server is reached through it: by the official plugins, past a jump host, after a killed run",
    remedy: "apt-get install openssh-client",
  };
}

async function folder(env: NodeJS.ProcessEnv): Promise<Check[]> {
  const look = async (name: string, path: string, wantedBytes: number): Promise<Check> => {
    const base = {
      name,
      why: "racksmith writes there",
      remedy: `set RACKSMITH_${name.toUpperCase()} to another folder`,
    };
    try {
      const there = nearest(path);
      accessSync(there, constants.W_OK | constants.X_OK);
      const { bavail, bsize } = await statfs(there);
      const freeGb = (bavail * bsize) / 1e9;
      const tight = freeGb * 1e9 < wantedBytes;
      return {
        ...base,
        state: tight ? "missing" : "ok",
        found: `${path} (${freeGb.toFixed(1)} GB free${tight ? `, wants ${wantedBytes / 1e9} GB` : ""})`,
      };
    } catch (error) {
      return { ...base, state: "missing", found: `${path}: ${messageOf(error)}` };
    }
  };
  return Promise.all([look("cache", cacheDir(env), 3e9), look("state", stateDir(env), 0.1e9)]);
}

function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

function tools(name: string, wanted: readonly string[], why: string, remedy: string): Check {
  const missing = wanted.filter((tool) => !which(tool, systemPath()));
  return {
    name,
    state: missing.length === 0 ? "ok" : "optional",
    found: missing.length === 0 ? wanted.join(", ") : `missing: ${missing.join(", ")}`,
    why,
    remedy,
  };
}

function rackTools(): Check {
  return tools(
    "virtual rack",
    ["qemu-system-x86_64", "qemu-img", "swtpm", "mmdebstrap"],
    "virtual servers to try things on (up --rack, test rack)",
    "nothing as root on Debian or Ubuntu: the rack installs them; else it says which packages",
  );
}

function testTools(): Check {
  return tools(
    "tests",
    [...new Set(Object.values(packageOf).flatMap((its) => Object.keys(its)))],
    "./racksmith test runs them",
    "nothing as root on Debian or Ubuntu: the test verb installs them; else it says which packages",
  );
}
