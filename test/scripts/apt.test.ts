// apt_install against the real apt and dpkg, in a room: packages land on its own /srv, in its own dpkg database.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { inRoom, rooms } from "./node-room.ts";

const LIB = fileURLToPath(new URL("../../ansible-free-scripts/lib.sh", import.meta.url));

/**
 * A repository in /srv/repo and the site's only one. `deb NAME VERSION [FIELD…]` makes a package with one file,
 * /srv/NAME; `publish` lists them; `try PKG…` is apt_install in a shell of its own.
 */
const site = `
mkdir -p /srv/repo /srv/empty
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d /var/lib/apt/lists
mkdir -p /etc/apt/sources.list.d /var/lib/apt/lists/partial
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list
deb() {
  local root=/srv/build/$1-$2 field
  mkdir -p "$root/DEBIAN" "$root/srv"
  { printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: Nobody <nobody@example.invalid>\\nDescription: test\\nInstalled-Size: 4\\n' "$1" "$2"
    for field in "\${@:3}"; do printf '%s\\n' "$field"; done; } >"$root/DEBIAN/control"
  echo "$2" >"$root/srv/$1"
  dpkg-deb --build "$root" "/srv/repo/$1_$2_all.deb" >/dev/null
}
publish() {
  local file
  for file in /srv/repo/*.deb; do
    dpkg-deb --field "$file"
    printf 'Filename: ./%s\\nSize: %s\\nSHA256: %s\\n\\n' "\${file##*/}" "$(stat -c %s "$file")" "$(sha256sum <"$file" | cut -d ' ' -f 1)"
  done >/srv/repo/Packages
}
try() { rc=0; bash -c 'set -euo pipefail; . "$0"; apt_install "$@"' ${LIB} "$@" 2>&1 || rc=$?; echo "rc=$rc"; }
status() { dpkg-query -W -f '\${db:Status-Abbrev} \${Version}\\n' "$1" 2>/dev/null || echo absent; }
`;

/** A web server for /srv/repo that says 304 of a file that is as the client has it; prints its port. */
const MIRROR = `
const { readFileSync, statSync } = require("node:fs");
const server = require("node:http").createServer((request, response) => {
  try {
    const file = "/srv/repo" + request.url, { mtime } = statSync(file), known = request.headers["if-modified-since"];
    response.setHeader("Last-Modified", mtime.toUTCString());
    if (known === mtime.toUTCString()) response.writeHead(304).end();
    else response.end(readFileSync(file));
  } catch { response.writeHead(404).end(); }
}).listen(0, "127.0.0.1", () => console.log(server.address().port));
`;

describe.skipIf(!rooms)("apt_install", { timeout: 60_000 }, () => {
  it("installs what is missing, reading the package lists only when it must, and nothing twice", () => {
    const { out } = inRoom(`${site}
deb racksmith-a 1; publish
try racksmith-a=1; status racksmith-a; cat /srv/racksmith-a
try racksmith-a=1`);
    expect(out).toContain("::status reading the package lists");
    expect(out).toMatch(/::status installing racksmith-a=1\n(.*\n)*rc=0\nii {2}1\n1\nrc=0\n$/);
  });

  it("looks at the free space before it touches anything, also when only the named package is needed", () => {
    const { out } = inRoom(`${site}
deb racksmith-a 1; publish
printf '#!/bin/sh\\necho head; echo "/dev/x 9 9 1000 99%% /"\\n' >/srv/df; chmod +x /srv/df
PATH=/srv:$PATH try racksmith-a
status racksmith-a; ls /srv/racksmith-a /var/cache/apt/archives/racksmith* 2>&1 || true`);
    expect(out).toContain("/usr has 0 MiB free");
    expect(out).toContain("Nothing was changed.");
    expect(out).toMatch(/rc=1\nabsent\n/);
    expect(out).not.toMatch(/^\/(srv|var).*racksmith-a/m);
  });

  it("tells a package that nobody offers from a repository that does not answer", () => {
    const { out } = inRoom(`${site}
deb racksmith-a 1; publish
try racksmith-b
echo 'deb [trusted=yes] http://127.0.0.1:9 ./' >>/etc/apt/sources.list
try racksmith-b
try racksmith-a; status racksmith-a`);
    const [offered = "", unreached = "", other = ""] = out.split(/rc=[01]\n/);
    expect(offered).toContain("no repository offers racksmith-b");
    expect(offered).not.toContain("not reached");
    expect(unreached).toMatch(
      /not reached: http:\/\/127\.0\.0\.1:9\S* \(.+\); no repository that answered offers/,
    );
    // One repository that is down does not stop what another one has.
    expect(other).toContain("installing racksmith-a");
    expect(out).toMatch(/ii {2}1\n$/);
  });

  it.each([
    ["false", "apt takes them for current", /^E: (Unable to locate package|Package .* has no installation)/],
    ["true", "apt cannot read them", /^E: The package lists or status file could not be parsed or opened/],
  ])("fetches package lists anew that a power cut emptied: compressed %s, %s", (compressed, _, without) => {
    const { out } = inRoom(`${site}
echo 'Acquire::GzipIndexes "${compressed}";' >/etc/apt/apt.conf.d/zz-test
deb racksmith-a 1; publish
printf 'SHA256:\\n %s %s Packages\\n' "$(sha256sum </srv/repo/Packages | cut -d ' ' -f 1)" "$(stat -c %s /srv/repo/Packages)" >/srv/repo/Release
mkfifo /srv/port; '${process.execPath}' -e '${MIRROR}' >/srv/port & trap 'kill $!' EXIT
read -r port </srv/port; echo "deb [trusted=yes] http://127.0.0.1:$port ./" >/etc/apt/sources.list
apt-get update -q >/dev/null 2>&1
for list in /var/lib/apt/lists/*_Packages*; do rm "$list"; touch "$list"; done
apt-get update -q >/dev/null 2>&1 || true
apt-get install -s racksmith-a 2>&1 | tail -n 1 || true
try racksmith-a; status racksmith-a`);
    expect(out).toMatch(without);
    expect(out).toMatch(/::status reading the package lists anew(.*\n)*rc=0\nii {2}1\n$/);
  });

  it("waits for the daily update, which holds the lists' lock", () => {
    const { out } = inRoom(`${site}
deb racksmith-a 1; publish
perl -e 'use Fcntl; open F, ">", "/var/lib/apt/lists/lock"; $l = pack("s s x![l!] l! l! i", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $l) or die; sleep 4' &
sleep 1
try racksmith-a; status racksmith-a`);
    expect(out).toMatch(/::status waiting for another package manager(.*\n)*rc=0\nii {2}1\n$/);
  });

  it("says so when a package cannot be fetched, and leaves what is installed", () => {
    const { out } = inRoom(`${site}
deb racksmith-a 1; publish; try racksmith-a=1
deb racksmith-a 2; publish; apt-get update -q >/dev/null 2>&1; rm /srv/repo/racksmith-a_2_all.deb
try racksmith-a=2; status racksmith-a`);
    expect(out).toMatch(/cannot be reached or lacks a file: file:\S*racksmith-a_2_all\.deb/);
    expect(out).toMatch(/rc=1\nii {2}1\n$/);
  });

  it("finishes what a power cut interrupted, though the way leads over a held package", () => {
    const { out } = inRoom(`${site}
deb racksmith-lib 1; deb racksmith-a 1 'Depends: racksmith-lib (= 1)'; deb racksmith-c 1; publish
try racksmith-a=1 racksmith-lib=1
apt-mark hold racksmith-a racksmith-lib >/dev/null
deb racksmith-lib 2; deb racksmith-a 2 'Depends: racksmith-lib (= 2)'; publish; apt-get update -q >/dev/null 2>&1
dpkg --force-depends --unpack /srv/repo/racksmith-a_2_all.deb >/dev/null 2>&1
status racksmith-a
try racksmith-c; status racksmith-a; status racksmith-lib; status racksmith-c; dpkg --audit`);
    expect(out).toContain("::status finishing an interrupted package installation");
    const [, , after = ""] = out.split(/rc=\d\n/);
    expect(after, out).toMatch(/^[hi]i {2}2\n[hi]i {2}2\nii {2}1\n$/);
  });
});
