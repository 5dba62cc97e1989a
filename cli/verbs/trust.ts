import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import { CliError, exitCodes } from "../errors.ts";
import { checkout } from "../paths.ts";
import { say } from "../progress.ts";
import { wayThrough } from "../trust/jump.ts";
import { type Comparison, compareKeys, PinFile } from "../trust/pins.ts";
import { fingerprint, type HostKey, scanHostKeys } from "../trust/scan.ts";
import { askOnTerminal } from "./confirm.ts";

export interface TrustOptions {
  port: number;
  stack?: string;
  configFile?: string;
  name?: string;
  fingerprint: string[];
}

export function trustVerb(): Command {
  return new Command("trust")
    .description("show a server's SSH host keys and pin them in a stack's configuration")
    .argument("<host>", "host name or IP address")
    .option("--port <port>", "SSH port", toPort, 22)
    .option("--stack <stack>", "pin in Pulumi.STACK.yaml; without it the keys are only shown")
    .option("--config-file <path>", "the file to pin in, when it is another")
    .option(
      "--name <name>",
      "the host that is meant, where several have the address; a new one is added under it",
    )
    .option(
      "--fingerprint <sha256>",
      "for scripts: ask nothing, pin the key with this fingerprint (repeatable)",
      collect,
      [],
    )
    .addHelpText(
      "after",
      `
Compare the fingerprints with what the server's own console shows:
  $ for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf "$f"; done

A jump host is pinned wherever it stands. A host with a \`jump\` is asked through it, so pin the jump first.
An address that is not in the file is not added beside others without --name. One that is listed behind different
jumps may be different machines: --name says which.

A key that is not the pinned one is shown as CHANGED and never replaced without a yes (exit code 4).

Examples:
  $ ./racksmith trust 10.1.0.7 --stack lab
  $ ./racksmith trust 10.1.0.7 --stack lab --fingerprint SHA256:vGfX…`,
    )
    .action(async (host: string, options: TrustOptions) => trust(host, options, ask));
}

const ask = (question: string) => askOnTerminal(question, "pin", "--fingerprint SHA256:… of the key to pin");

/** The verb without its terminal: `confirm` is asked unless fingerprints are given. */
export async function trust(
  host: string,
  options: TrustOptions,
  confirm: (question: string) => Promise<boolean>,
) {
  if (!/^[A-Za-z0-9_.:%-]+$/.test(host) || host.startsWith("-")) {
    throw new CliError(`host ${JSON.stringify(host)}: wanted a host name or an IP address`);
  }
  const file = options.configFile
    ? resolve(options.configFile)
    : options.stack && join(checkout, `Pulumi.${stackName(options.stack)}.yaml`);
  const pins = file ? new PinFile(file, await readOrEmpty(file)) : undefined;
  const place = { address: host, port: options.port, name: options.name };
  pins?.check(place);
  const offered = await scan(host, options.port, pins?.through(place) ?? []);
  const compared = compareKeys(pins?.pinned(place) ?? [], offered);
  show(host, options.port, compared);
  if (!file || !pins) {
    say("Not pinned: give --stack STACK to write them to its configuration.");
    return;
  }
  const known = compared.changed.length === 0 && compared.added.length === 0;
  if (known && !pins.uneven(place)) {
    say(`All of them are pinned already in ${file}.`);
    return;
  }
  const accepted = known
    ? compared.same
    : await choose(host, offered, compared, options.fingerprint, confirm);
  pins.pin(place, accepted);
  const fresh = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(fresh, pins.toString());
  await rename(fresh, file);
  say(`Pinned ${accepted.length} in ${file}.`);
}

async function scan(host: string, port: number, jumps: readonly unknown[]): Promise<HostKey[]> {
  const way = await wayThrough(jumps, host, port);
  try {
    return await scanHostKeys(host, port, way);
  } finally {
    way?.end();
  }
}

function show(host: string, port: number, { changed, added, same }: Comparison): void {
  say(`${host}:${port}`);
  for (const key of same) say(`  ${key.type.padEnd(20)} ${fingerprint(key)}  pinned`);
  for (const key of added) say(`  ${key.type.padEnd(20)} ${fingerprint(key)}  ${pc.yellow("new")}`);
  for (const { pinned, offered } of changed) {
    say(pc.red(pc.bold(`  ${offered.type.padEnd(20)} ${fingerprint(offered)}  CHANGED`)));
    say(pc.red(`  ${"".padEnd(20)} ${fingerprint(pinned)}  was pinned`));
  }
  if (changed.length > 0) {
    say(
      pc.red(
        pc.bold(
          "\nTHE HOST KEY HAS CHANGED. The server was reinstalled, or somebody stands between you and it.",
        ),
      ),
    );
    say(pc.red("Compare the fingerprint with the server's own console before you say yes.\n"));
  }
}

async function choose(
  host: string,
  offered: readonly HostKey[],
  { changed }: Comparison,
  fingerprints: readonly string[],
  confirm: (question: string) => Promise<boolean>,
): Promise<readonly HostKey[]> {
  if (fingerprints.length > 0) {
    const wanted = offered.filter((key) => fingerprints.includes(fingerprint(key)));
    if (wanted.length > 0) return wanted;
    throw new CliError(
      `${host}: offers no key with ${fingerprints.join(" or ")}; nothing was pinned`,
      exitCodes.refused,
    );
  }
  const question =
    changed.length > 0 ? "Replace the pinned key by the CHANGED one?" : "Are these the server's keys?";
  if (await confirm(question)) return offered;
  throw new CliError(`${host}: not confirmed; nothing was pinned`, exitCodes.refused);
}

async function readOrEmpty(file: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw new CliError(`${file}: cannot be read (${error.code})`);
  });
}

function stackName(name: string): string {
  if (/^[A-Za-z0-9_.-]{1,100}$/.test(name)) return name;
  throw new CliError(`stack ${JSON.stringify(name)}: wanted letters, digits, "-", "_" and ".", at most 100`);
}

function toPort(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new InvalidArgumentError("wanted 1 to 65535");
}

function collect(value: string, all: string[]): string[] {
  return [...all, value];
}
