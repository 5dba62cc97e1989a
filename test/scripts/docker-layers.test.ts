// Image layers and power cuts, in a room: the real scripts; an engine of three images, one of them damaged; a boot is
// another boot id in the note of what the last one found.
import { describe, expect, it } from "vitest";
import { docker } from "../../provider/resources/docker.ts";
import { bare, parse } from "../provider/docker-fixtures.ts";
import { inRoom, lastJson, rooms } from "./node-room.ts";

/**
 * `layer NAME [PARENT]` registers a layer as Docker does and prints its chain's name; `image ID DIFF…` an image of
 * those; `boots` is what the unit does before Docker at boot, `looks` later; /mnt/damaged/ID makes the engine's own check fail.
 */
const node = `
rm -rf /etc/docker /var/lib/racksmith /var/lib/docker
mkdir -p /etc/docker /var/lib/racksmith /mnt/images /mnt/containers /mnt/damaged
layers=/var/lib/docker/image/overlay2/layerdb/sha256
mkdir -p $layers /var/lib/docker/overlay2/l
diff() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
chain() {
  local sum
  sum=$(diff "$1")
  if [[ -n \${2-} ]]; then sum=$(printf 'sha256:%s sha256:%s' "$2" "$sum" | sha256sum | cut -d ' ' -f 1); fi
  printf '%s\\n' "$sum"
}
layer() {
  local name cache
  name=$(chain "$@") cache=$(diff "cache $*")
  mkdir -p "$layers/$name" "/var/lib/docker/overlay2/$cache/diff"
  printf %s "$cache" >"$layers/$name/cache-id"
  printf LINK\${1^^} >"/var/lib/docker/overlay2/$cache/link"
  touch "/var/lib/docker/overlay2/l/LINK\${1^^}"
  printf '%s\\n' "$name"
}
image() {
  local id=$1; shift
  for part in "$@"; do printf 'sha256:%s\\n' "$(diff "$part")"; done >"/mnt/images/$id"
}
boots() {
  sed -i '1s/.*/another boot/' /var/lib/racksmith/docker.layers-at-boot
  (. /var/lib/racksmith/docker-layers.sh && layers_boot /var/lib/docker)
}
looks() { (. /var/lib/racksmith/docker-layers.sh && layers_settle /var/lib/docker); }
docker() {
  case "$*" in
    info*) printf '26.1.5|true|systemd|json-file|/var/lib/docker\\n' | case $3 in *Version*) cat ;; *Live*) cut -d '|' -f 2- ;; *) cut -d '|' -f 5 ;; esac ;;
    "image ls"*) ls /mnt/images ;;
    *RepoDigests*) printf 'registry.example/%s@sha256:1\\n' "\${!#}" ;;
    *RootFS*) cat "/mnt/images/\${!#}" ;;
    "image save"*) [[ ! -e /mnt/damaged/$3 ]] || { echo 'file integrity checksum failed for "bin/x"' >&2; return 1; } ;;
    "ps -aq"*) [[ ! -e /mnt/containers/\${!##*=} ]] || echo "\${!##*=}" ;;
    "container inspect"*) cat "/mnt/containers/$5" ;;
    *) printf 'docker %s\\n' "$*" >>"$CALLS"; [[ $1 != image ]] || rm "/mnt/images/$4"; [[ $1 != rm ]] || rm "/mnt/containers/$3" ;;
  esac
}
systemctl() {
  case "$1" in
    show) printf 'ActiveState=active\\nUnitFileState=enabled\\n' ;;
    is-*) [[ -e /etc/systemd/system/racksmith-docker-layers.service ]] ;;
    stop | start) printf 'systemctl %s\\n' "$*" >>"$CALLS" ;;
  esac
}
dockerd() { :; }
apt-get() { :; }
apt-mark() { :; }
dpkg-query() { printf 'installed 26.1.5'; }
export -f diff docker systemctl dockerd apt-get apt-mark dpkg-query
apply() { run docker/apply plain; }
look() { run docker/observe look; }
`;
const wanted = parse();
const inputs = { plain: docker.forAct(wanted, bare), look: docker.forObserve(wanted) };
const onNode = (steps: string) => inRoom(node + steps, inputs);
const changes = (steps: string) => {
  const said = onNode(`${steps}\nlook`);
  const facts = docker.facts.parse(lastJson(said));
  return docker
    .compare(wanted, facts)
    .flatMap(({ path, found }) => (/^images/.test(path) ? [[path, found]] : []));
};

describe.skipIf(!rooms)("image layers", { timeout: 30_000 }, () => {
  it("are watched once the act ran; a unit that somebody changed or removed is named and mended", () => {
    const watch = [["images/layers", "not brought to the disk as they come"]];
    expect(changes("layer a")).toEqual(watch);
    expect(changes("layer a; apply")).toEqual([]);
    const edited = "apply; echo >>/etc/systemd/system/racksmith-docker-layers.service; ";
    const gone = "apply; rm /var/lib/racksmith/docker-layers.sh; ";
    for (const drift of [edited.replace("echo", "echo '#'"), gone]) {
      expect(changes(drift)).toEqual(watch);
      expect(changes(`${drift} apply`)).toEqual([]);
    }
  });

  it("that were brought to the disk in time are never in doubt, whenever the machine goes down", () => {
    const pulled = "apply; layer a; layer b; looks; ";
    expect(changes(`${pulled} boots`)).toEqual([]);
    expect(changes(`${pulled} boots; boots; layer c`)).toEqual([]);
  });

  it("are recorded by the service as they come, and once more when it stops after Docker", () => {
    const { out, err } = onNode(`apply
sed -i 's/^layers_every_seconds=5$/layers_every_seconds=0.2/' /var/lib/racksmith/docker-layers.sh
bash /var/lib/racksmith/docker-layers.sh /var/lib/docker & service=$!
one=$(layer a)
for tenth in {1..100}; do grep -qs "$one" /var/lib/racksmith/docker.layers && echo recorded && break; sleep 0.1; done
kill -STOP $service; two=$(layer b); kill -TERM $service; kill -CONT $service; wait $service; echo "ended $?"
grep -c "$two" /var/lib/racksmith/docker.layers`);
    expect(out, err).toMatch(/recorded\nended 0\n1\n$/);
  });

  it("that were not are named after the boot, and stay so until they are checked", () => {
    const cut = "layer a; apply; layer b; layer c; boots; ";
    const doubt = [["images", "2 layers were being written when the machine went down"]];
    expect(changes(cut)).toEqual(doubt);
    // What is pulled after the boot is not in doubt, and settles nothing else.
    expect(changes(`${cut} layer d; looks; boots`)).toEqual(doubt);
    expect(changes(`${cut} apply`)).toEqual([]);
    expect(changes(`${cut} apply; boots`)).toEqual([]);
  });

  const cut = `layer base >/dev/null; image old base; apply >/dev/null
layer whole >/dev/null; image sound whole
layer torn "$(chain base)" >/dev/null; image broken base torn; touch /mnt/damaged/broken
layer half "$(chain base)" >/dev/null
echo /racksmith-prometheus >/mnt/containers/broken
boots; : >"$CALLS"
`;

  it("are checked image by image: what is damaged goes with its container and is pulled again; the rest stays", () => {
    const { out, err } = onNode(`${cut} apply; echo "rc $rc"; cat "$CALLS"`);
    expect(out, err).toContain("rc 0");
    expect(out).toContain('::status image broken is damaged: file integrity checksum failed for "bin/x"');
    expect(out.match(/^docker .*$/gm)).toEqual([
      "docker rm -f broken",
      "docker image rm -f broken",
      "docker pull -q registry.example/broken@sha256:1",
    ]);
  });

  it("of a pull that was cut off between two layers are removed while Docker is down, and nothing else", () => {
    const { out, err } = onNode(`${cut} rm /mnt/damaged/broken /mnt/images/broken; apply; cat "$CALLS"
ls $layers | sort >/mnt/left; printf '%s\\n' "$(chain base)" "$(chain whole)" | sort | cmp - /mnt/left && echo just those
ls /var/lib/docker/overlay2/l | tr '\\n' ' '; ls /var/lib/docker/overlay2 | wc -l`);
    expect(out, err).toContain("removing 2 layers of a pull that was cut off");
    expect(out).toMatch(/systemctl stop docker.socket docker.service\nsystemctl start docker.service/);
    expect(out).toMatch(/just those\nLINKBASE LINKWHOLE 3\n$/);
  });

  it("never take somebody else's container along", () => {
    const { out, err } = onNode(
      `${cut} echo /ledger >/mnt/containers/broken; apply; echo "rc $rc"; cat "$CALLS"`,
    );
    expect(err).toContain("container ledger is made from it: remove that (docker rm -f ledger)");
    expect(out).toContain("rc 1");
    expect(out).not.toMatch(/^docker (rm|image)/m);
  });
});
