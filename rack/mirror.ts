import { run } from "./run.ts";
import { DEBIAN_KEYRING } from "./tools.ts";

/** One line of a sources.list, without the options. */
export interface Source {
  uri: string;
  suite: string;
  components: string;
}

interface Mirrors {
  main: string;
  /** Absent at a site whose mirror carries no security archive. */
  security?: string;
}

/** What apt prints of one index: where it is and what its signed Release file says. */
const INDEX_FORMAT = "$(REPO_URI)\t$(ORIGIN)\t$(LABEL)";

/** Used when this machine has no Debian mirror configured. */
const PUBLIC: Mirrors = {
  main: "http://deb.debian.org/debian",
  security: "http://deb.debian.org/debian-security",
};

/**
 * Where Debian SUITE comes from: `$RACKSMITH_DEBIAN_MIRROR` (and `$RACKSMITH_DEBIAN_SECURITY_MIRROR`), else
 * the mirrors of this machine's own apt, else Debian's.
 */
export async function debianSources(suite: string): Promise<Source[]> {
  const mirrors = fromEnvironment() ?? (await fromApt()) ?? PUBLIC;
  const of = (uri: string, name: string): Source => ({ uri, suite: name, components: "main" });
  return [
    of(mirrors.main, suite),
    of(mirrors.main, `${suite}-updates`),
    ...(mirrors.security === undefined ? [] : [of(mirrors.security, `${suite}-security`)]),
  ];
}

/** As a line of a sources.list, verified by Debian's own keys whatever else this machine trusts. */
export function sourceLine(source: Source): string {
  return `deb [signed-by=${DEBIAN_KEYRING}] ${source.uri} ${source.suite} ${source.components}`;
}

function fromEnvironment(): Mirrors | undefined {
  const { RACKSMITH_DEBIAN_MIRROR: main, RACKSMITH_DEBIAN_SECURITY_MIRROR: security } = process.env;
  if (!main) return undefined;
  return security ? { main, security } : { main };
}

/** apt itself is asked: it alone reads every format of its sources. Empty before the first `apt-get update`. */
async function fromApt(): Promise<Mirrors | undefined> {
  const listing = await run(["apt-get", "indextargets", "--format", INDEX_FORMAT]).catch(() => "");
  return mirrorsAmong(listing);
}

/** Chosen by what the archive's signed Release says, since the sources list other vendors' archives too. */
export function mirrorsAmong(listing: string): Mirrors | undefined {
  const rows = listing.split("\n").map((line) => line.split("\t"));
  const withLabel = (wanted: string) =>
    rows.find(([, origin, label]) => origin === "Debian" && label === wanted)?.[0]?.replace(/\/+$/, "");
  const main = withLabel("Debian");
  const security = withLabel("Debian-Security");
  if (main === undefined) return undefined;
  return security === undefined ? { main } : { main, security };
}
