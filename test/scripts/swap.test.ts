// One container for another, with a Docker that is a folder: a file a container, spec and mounted weights in it.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatewayRoom } from "./gateway-room.ts";

const fakes = `
docker() {
  local last=\${*: -1} at
  case $1 in
    container)
      [[ -e $box/$last ]] || return 1
      case "$*" in *racksmith.spec*) sed -n 1p "$box/$last" ;; *Mounts*) sed -n 2p "$box/$last" ;; esac ;;
    rename)
      if [[ -e $box/$3 ]]; then echo "Conflict. The container name /$3 is already in use" >&2; return 1; fi
      mv "$box/$2" "$box/$3" ;;
    rm) rm "$box/$last" ;;
    create) printf '%s\\n' "$spec" "$(readlink -f "$weights_path")" >"$box/$3" ;;
  esac
}
systemctl() { [[ $1 != show ]] || echo 0; }
probe() { :; }
`;

describe("a swap of containers that was interrupted", () => {
  let room: GatewayRoom;
  let box: string;
  beforeEach(() => {
    room = new GatewayRoom();
    box = mkdtempSync(join(tmpdir(), "racksmith-box-"));
  });
  afterEach(async () => {
    await room.stop();
    rmSync(box, { recursive: true });
  });

  const put = (name: string, spec: string, weights: string) =>
    writeFileSync(join(box, name), `${spec}\n${weights}\n`);
  const containers = () =>
    Object.fromEntries(
      readdirSync(box).map((name) => [
        name,
        readFileSync(join(box, name), "utf8").trim().split("\n").join(" "),
      ]),
    );
  const recover = (then = "") =>
    room.bash(`${fakes} swap_recover; ${then}`, {
      ...{ box, unit: "unit", spec: "wanted", weights_path: "/usr", image: "image" },
      ...{ drain_seconds: "1", start_timeout_seconds: "5", docker_arg: "", engine_arg: "" },
    });

  it("goes on where the new container is the wanted one", async () => {
    put("unit", "wanted", "/usr");
    put("unit-previous", "old", "/usr");
    expect((await recover()).out).toContain("going on with it");
    expect(containers()).toEqual({ unit: "wanted /usr", "unit-previous": "old /usr" });
    expect((await recover("serve")).rc).toBe(0);
    expect(containers()).toEqual({ unit: "wanted /usr" });
  });

  it.each([
    ["the weights were pointed elsewhere since", "wanted", "/etc"],
    ["another one is wanted since", "other", "/usr"],
  ])("goes back first where %s, and the new swap comes to its end", async (_why, spec, weights) => {
    put("unit", spec, weights);
    put("unit-previous", "old", "/etc");
    put("unit-next", "older", "/etc");
    expect((await recover()).out).toContain("going back to the container before it");
    expect(containers()).toEqual({ unit: "old /etc" });
    put("unit", spec, weights);
    put("unit-previous", "old", "/etc");
    const { rc, err } = await recover("serve");
    expect(rc, err).toBe(0);
    expect(containers()).toEqual({ unit: "wanted /usr" });
  });
});
