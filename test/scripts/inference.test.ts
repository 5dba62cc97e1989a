import { describe, expect, it } from "vitest";
import { inference } from "../../provider/resources/inference.ts";
import { bare, key, llamacpp, parse } from "../provider/inference-fixtures.ts";
import { inRoom, lastJson, rooms } from "./node-room.ts";

const wanted = parse(llamacpp);
const ins = { act: inference.forAct(wanted, bare), look: inference.forObserve(wanted) };
const vault = "mkdir -p /srv/racksmith/vault; mount -t tmpfs none /srv/racksmith/vault; ";
const weights =
  "mkdir -p /srv/racksmith/vault/weights/versions/v1; ln -s versions/v1 /srv/racksmith/vault/weights/current; echo x >/srv/racksmith/vault/weights/current/tiny.gguf; ";
/** A Docker that has no image and cannot get one, for the reason given. */
const dockerWithout = (reason: string) =>
  `docker() { case $1 in version) ;; pull) echo "${reason}" >&2; return 1 ;; *) return 1 ;; esac; }; export -f docker; `;

describe.skipIf(!rooms)("inference on a node without an engine", () => {
  it("observes without failing, and what it prints is what the provider reads", () => {
    const facts = inference.facts.parse(
      lastJson(inRoom("FAILS=inspect; export FAILS; run inference/observe look", ins)),
    );
    expect(facts).toMatchObject({
      container: "missing",
      healthy: false,
      gatewayKeysMode: "missing",
      portHolder: "",
    });
    expect(inference.compare(wanted, facts).map((change) => change.path)).toContain("container");
  });

  it("sees that the gateway has not taken in force what its files say", () => {
    const due =
      "export FAILS=inspect; mkdir -p /etc/racksmith/gateway; : >/etc/racksmith/gateway/reload-due; ";
    const facts = inference.facts.parse(lastJson(inRoom(`${due} run inference/observe look`, ins)));
    expect(facts.gatewayReloadDue).toBe(true);
  });

  it.each([
    ["the vault is closed", "", "/srv/racksmith/vault is not mounted: open the vault first"],
    ["there are no weights", vault, "/srv/racksmith/vault/weights/current/tiny.gguf does not exist"],
    [
      "the registry has no such digest",
      vault + weights + dockerWithout("manifest unknown"),
      "the registry has no such digest",
    ],
    [
      "the registry is plain HTTP",
      vault + weights + dockerWithout("http: server gave HTTP response to HTTPS client"),
      "docker.insecureRegistries",
    ],
    [
      "the registry is not reached",
      vault + weights + dockerWithout("dial tcp: connection refused"),
      "does not reach the registry",
    ],
    ["the registry wants a login", vault + weights + dockerWithout("unauthorized"), "docker login"],
    [
      "the disk is full",
      vault + weights + dockerWithout("no space left on device"),
      "disk of /var/lib/docker is full",
    ],
  ])("says so when %s, before anything is touched", (_what, before, message) => {
    const said = inRoom(`${before} run inference/apply act; echo rc=$rc; ls /etc/racksmith 2>/dev/null`, ins);
    expect(said.err).toContain(message);
    expect(said.out).toContain("rc=1");
    expect(said.out.trimEnd().endsWith("rc=1")).toBe(true);
    expect(said.out + said.err).not.toContain(key);
  });

  it("finds out who holds the gateway's port", () => {
    const busy = { ...ins, look: { ...ins.look, gateway_port: 18765 } };
    const said = inRoom(
      `FAILS=racksmith-gateway.service; export FAILS
       node -e 'require("net").createServer().listen(18765, "127.0.0.1")' & listener=$!
       until (exec 3<>/dev/tcp/127.0.0.1/18765) 2>/dev/null; do sleep 0.1; done
       run inference/observe look; kill $listener`,
      busy,
    );
    const facts = inference.facts.parse(lastJson(said));
    expect(facts.portHolder).not.toBe("");
    expect(inference.refuse?.(wanted, facts)[0]?.path).toBe("gateway.port");
  });
});
