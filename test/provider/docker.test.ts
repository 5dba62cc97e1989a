import { describe, expect, it } from "vitest";
import { differingKeys, mergeDaemon, wantedSettings } from "../../provider/resources/docker/daemon.ts";
import { docker } from "../../provider/resources/docker.ts";
import { bare, type Facts, parse } from "./docker-fixtures.ts";

const version = "26.1.5+dfsg1-9+b11";
const installed = (wanted = parse()): Facts => ({
  ...bare,
  packages: { "docker.io": version, "docker-cli": version, containerd: "1.7.24", runc: "1.1.15" },
  held: ["docker.io", "docker-cli", "containerd", "runc"],
  recorded: { "docker.io": version, "docker-cli": version },
  candidate: "",
  active: true,
  enabled: true,
  engineVersion: "26.1.5+dfsg1",
  daemonJson: String(docker.forAct(wanted, bare).daemon_json),
  liveRestore: true,
  cgroupDriver: "cgroupfs",
  loggingDriver: "json-file",
  rootDir: "/var/lib/docker",
  group: wanted.users,
  driverLoaded: wanted.gpu ? "570.86.15" : "",
  driverInCdi: wanted.gpu ? "570.86.15" : "",
});
const paths = (facts: Partial<Facts>, wanted = parse()) =>
  docker.compare(wanted, { ...installed(wanted), ...facts }).map((change) => change.path);

describe("packages", () => {
  it("are named as each system names them", () => {
    const of = (system: string, given = {}) => docker.forAct(parse(given), { ...bare, system }).package;
    expect(of("debian 13")).toEqual(["docker.io", "docker-cli", "apparmor", "ca-certificates"]);
    expect(of("debian 12")).toEqual(["docker.io", "apparmor", "ca-certificates"]);
    expect(of("ubuntu 24.04", { source: "docker-ce", version: "5:27.5.1-1~ubuntu.24.04~noble" })).toEqual([
      "docker-ce=5:27.5.1-1~ubuntu.24.04~noble",
      "docker-ce-cli=5:27.5.1-1~ubuntu.24.04~noble",
      "containerd.io",
      "apparmor",
      "ca-certificates",
    ]);
    expect(docker.refuse?.(parse(), { ...bare, system: "fedora 41" })[0]?.wanted).toContain("debian 13");
  });
  it("stay at the version recorded when none is given", () => {
    const moved = { packages: { ...installed().packages, "docker.io": "27.0-1" } };
    const [change] = docker.compare(parse(), { ...installed(), ...moved });
    expect(change).toMatchObject({ path: "packages/docker.io", found: "27.0-1", wanted: version });
    expect(docker.forAct(parse(), { ...installed(), ...moved }).package).toContain(`docker.io=${version}`);
  });
});

describe("compare", () => {
  it("finds nothing right after an apply, with and without GPUs and users", () => {
    for (const given of [
      {},
      { gpu: true, users: ["ops"] },
      { registryMirrors: ["https://mirror.example"], logFiles: 9 },
    ]) {
      expect(docker.compare(parse(given), installed(parse(given)))).toEqual([]);
    }
  });
  it.each([
    ["hold/docker.io", { held: ["docker-cli", "containerd", "runc"] }],
    ["active", { active: false }],
    ["enabled", { enabled: false }],
    ["running/live-restore", { liveRestore: false }],
    ["running/cgroup-driver", { cgroupDriver: "systemd" }],
    ["running/log-driver", { loggingDriver: "syslog" }],
    ["running/daemon.json", { restartDue: true }],
  ])("names the drift %s", (path, facts) => expect(paths(facts)).toEqual([path]));
  it("names what is different in daemon.json, key by key", () => {
    const edited = {
      ...JSON.parse(installed().daemonJson),
      "insecure-registries": ["evil:5000"],
      "live-restore": false,
    };
    expect(paths({ daemonJson: JSON.stringify(edited) })).toEqual([
      "daemon.json/live-restore",
      "daemon.json/insecure-registries",
    ]);
    expect(paths({ daemonJson: "" })).toContain("daemon.json/exec-opts");
  });
  it("names a CDI description made for another driver, and a user without the socket", () => {
    expect(paths({ driverInCdi: "525.85.12" }, parse({ gpu: true }))).toEqual(["cdi"]);
    expect(paths({ group: [] }, parse({ users: ["ops"] }))).toEqual(["users/ops"]);
  });
});

describe("daemon.json", () => {
  it("keeps what others put there, and equal settings are equal bytes", () => {
    const foreign = { debug: true, features: { containerd: true }, runtimes: { runsc: { path: "runsc" } } };
    const merged = mergeDaemon(foreign, wantedSettings({ ...parse({ gpu: true }) }, 26));
    expect(merged).toMatchObject({ debug: true, features: { containerd: true, cdi: true } });
    expect(Object.keys(merged.runtimes as object)).toEqual(["runsc", "nvidia"]);
    const text = docker.forAct(parse(), { ...bare, daemonJson: '{"debug":true}' }).daemon_json;
    expect(docker.forAct(parse(), { ...bare, daemonJson: String(text) }).daemon_json).toBe(text);
  });
  it("says nothing of CDI to an engine that does not know it", () => {
    expect(wantedSettings(parse(), 20)).not.toHaveProperty("features");
    expect(docker.forAct(parse({ source: "docker-ce", version: "5:28.1-1" }), bare).daemon_json).toContain(
      '"cdi": true',
    );
  });
  it("does not see a change where only the order differs", () => {
    expect(
      differingKeys(
        { "log-opts": { "max-file": "3", "max-size": "50m" } },
        { "log-opts": { "max-size": "50m", "max-file": "3" } },
      ),
    ).toEqual([]);
  });
});

describe("refuse", () => {
  const refusals = (facts: Partial<Facts>, given = {}) =>
    (docker.refuse?.(parse(given), { ...installed(), ...facts }) ?? []).map(
      (one) => `${one.path}: ${one.found}`,
    );
  it("nothing when all is well", () => expect(refusals({})).toEqual([]));
  it("a daemon.json nobody can read, or one with a password", () => {
    expect(refusals({ daemonJson: "{not json" }).join()).toContain("daemon.json");
    expect(refusals({ daemonJson: "", daemonJsonHasPassword: true }).join()).toContain(
      "a URL with a password",
    );
  });
  it("another Docker than the one wanted", () => {
    expect(refusals({ packages: { "docker-ce": "5:27" } }).join()).toContain("docker-ce 5:27");
    expect(refusals({}, { source: "docker-ce" }).join()).toContain("docker.io");
  });
  it("to hide the images of a running engine", () => {
    expect(refusals({}, { dataRoot: "/srv/docker" }).join()).toContain("/var/lib/docker");
  });
  it("GPUs on an engine too old for CDI, before it is installed too, whether or not apt knows of it yet", () => {
    const on = (candidate: string, given: Parameters<typeof parse>[0], system = "debian 12") =>
      (docker.refuse?.(parse(given), { ...bare, system, candidate }) ?? []).map((one) => one.found);
    const old = "20.10.24+dfsg1-1+deb12u1";
    expect(on(old, { gpu: true })).toEqual([`Docker ${old} by source distribution`]);
    expect(on("", { gpu: true })).toEqual(["Docker 20.10.24 by source distribution"]);
    for (const candidate of [old, ""]) {
      expect(on(candidate, {})).toEqual([]);
      expect(on(candidate, { gpu: true }, "debian 13")).toHaveLength(candidate === "" ? 0 : 1);
    }
    expect(on("", { gpu: true, source: "docker-ce" })).toEqual([]);
    expect(on("5:27.5.1-1~debian.12~bookworm", { gpu: true, source: "docker-ce" })).toEqual([]);
  });
});
