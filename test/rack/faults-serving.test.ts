// Faults of a node that serves, through `./racksmith up`: secrets that must show nowhere, a failing hook, killed
// providers and engines, a full disk. One node's life, told in order.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { tinyModelDirectory } from "../../rack/content.ts";
import { nodeSecret } from "../../rack/secrets.ts";
import { stackFile } from "../../rack/stack.ts";
import { canary, foundInState, foundOnNode, holdsAny, watchArguments } from "./support/canaries.ts";
import { startRacksmith } from "./support/cli.ts";
import { ensureNoun, nodeConfig, refusedNoun } from "./support/nouns.ts";
import { killBelow } from "./support/processes.ts";
import { NODE, type Provisioned, provisioned } from "./support/provisioned.ts";
import { arrayUuid, asRoot } from "./support/storage.ts";

const MINUTES = 60_000;
const [hookToken, fileToken, webhookToken, keyToken, misfit] = (
  ["hook", "file", "webhook", "key", "misfit"] as const
).map(canary) as [string, string, string, string, string];
/** As much of shell, YAML and Go templates as fits: it must arrive byte for byte. */
const hostile = `$(touch /tmp/owned) \`id\` 'q' "d" \\n %n%s {{ .Env.HOME }} ; ../../ ü密🔑\n\n`;
const SECRET_FILE = "/etc/racksmith-test/secret.conf";
/** Sets $disk to one of the array's members: names of NVMe disks change from boot to boot. */
const MEMBER = `disk=$(lsblk -dnro PATH,SERIAL | awk '$2=="RACKNVME0002"{print $1}')`;
const HOSTILE_FILE = "/etc/racksmith-test/hostile.conf";

let node: Provisioned;
let watch: Awaited<ReturnType<typeof watchArguments>>;
let secrets: string[];
let connection: ReturnType<typeof nodeConfig>["connection"];
const begun = Date.now();
let output = "";
const hookSum = join(mkdtempSync(join(tmpdir(), "racksmith-hook-")), "sum");

beforeAll(async () => {
  node = await provisioned();
  connection = nodeConfig(NODE).connection;
  secrets = [
    hookToken,
    fileToken,
    webhookToken,
    keyToken,
    misfit,
    node.apiKey,
    nodeSecret(NODE, "vault-key").reveal(),
  ];
  watch = await watchArguments(node);
}, 30 * MINUTES);

afterAll(async () => {
  rmSync(dirname(hookSum), { recursive: true, force: true });
  await watch?.stop();
}, 2 * MINUTES);

/** Puts whole sections into the node's configuration. */
function configure(sections: Record<string, unknown>): void {
  const file = stackFile(NODE);
  const whole = parse(readFileSync(file, "utf8")) as { config: Record<string, unknown> };
  for (const [name, value] of Object.entries(sections)) whole.config[`racksmith:${name}`] = value;
  writeFileSync(file, stringify(whole, { lineWidth: 0 }), { mode: 0o600 });
}

const hook = (where: "node" | "workstation", run: string) => ({
  where,
  run,
  environment: { TOKEN: `${hookToken} ${hostile}` },
});

async function up() {
  const ran = await node.racksmith("up");
  output += ran.output;
  return ran;
}

/** Starts an up and kills below it what fits once an act's progress says the text. */
async function killedUp(text: string, what: RegExp) {
  let count = 0;
  let shown = "";
  const { child, ran } = startRacksmith(["up", NODE, "--rack"], {
    onOutput: (more) => {
      shown += more;
      if (count === 0 && shown.includes(text)) count = killBelow(child.pid!, what);
    },
  });
  const ended = await ran;
  output += ended.output;
  expect(count, ended.output).toBeGreaterThan(0);
  expect(ended.code).not.toBe(0);
  return ended;
}

const identity = async () =>
  `${await arrayUuid(node)} ${await asRoot(node, "cryptsetup luksUUID /dev/md/racksmith")}`;

describe("secrets", { timeout: 15 * MINUTES }, () => {
  it("a failing hook that prints its secret: the error is clear, and the secret is nowhere in it", async () => {
    node.edit("raid", { monitorWebhook: `http://10.0.2.2:9/${webhookToken}` });
    node.edit("monitoring", { receivers: [{ kind: "webhook", url: `http://10.0.2.2:9/${webhookToken}` }] });
    node.edit("inference", { apiKeys: { rack: node.apiKey, canary: keyToken } });
    configure({
      files: [
        { path: SECRET_FILE, mode: "0600", secretContent: `token = ${fileToken}\n${hostile}` },
        { path: HOSTILE_FILE, content: hostile },
      ],
      hooks: { postDeploy: [hook("node", 'echo "$TOKEN"; echo "$TOKEN" >&2; exit 7')] },
    });
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toMatch(/exit(ed)?( with)?( status)? 7|status 7|code 7/i);
    expect(holdsAny(output, secrets)).toBe(false);
    // What came before the hook is done, and the new key counts.
    expect((await node.chat(keyToken)).status).toBe(200);
  });

  it("hostile text arrives byte for byte, and nothing of it was run", async () => {
    const content = Buffer.from(await node.shell(`sudo base64 ${SECRET_FILE}`), "base64").toString();
    expect(content).toBe(`token = ${fileToken}\n${hostile}`);
    expect(Buffer.from(await node.shell(`base64 ${HOSTILE_FILE}`), "base64").toString()).toBe(hostile);
    expect(await asRoot(node, `stat -c '%a %U' ${SECRET_FILE}; ls /tmp`)).toMatch(
      /^600 root\n((?!owned).)*$/s,
    );
  });
});

describe("another vault key", { timeout: 5 * MINUTES }, () => {
  it("that does not fit is refused though the volume is open, which stays as it is; the right one again: no change", async () => {
    const header = () => asRoot(node, "cryptsetup luksDump /dev/md/racksmith | sha256sum");
    const before = await header();
    const right = parse(readFileSync(stackFile(NODE), "utf8")).config["racksmith:vault"];
    node.edit("vault", { key: misfit });
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toMatch(/the key given does not open volume .*Nothing was changed/);
    expect(await header()).toBe(before);
    expect((await node.chat()).status).toBe(200);
    configure({ vault: right });
    const preview = await node.racksmith("preview");
    expect(preview.output).not.toMatch(/key: another one is given/);
  });
});

describe("killed", { timeout: 15 * MINUTES }, () => {
  let before: string;

  it("kill -9 of the provider while a member goes back into the array", async () => {
    before = await identity();
    await asRoot(
      node,
      `${MEMBER}; mdadm --quiet --manage /dev/md/racksmith --fail "$disk"; sleep 1; mdadm --quiet --manage /dev/md/racksmith --remove "$disk"`,
    );
    configure({
      hooks: {
        postDeploy: [
          hook("node", `printf %s "$TOKEN" | sha256sum >/tmp/hook.sum`),
          hook("workstation", `printf %s "$TOKEN" | sha256sum >${hookSum}`),
        ],
      },
    });
    await killedUp("putting /dev/", /provider\/server\/main\.ts/);
  });

  it("kill -9 of the engine and all that it started, in the weights' act", async () => {
    node.edit("weights", {
      version: "v2",
      source: { kind: "directory", directory: await tinyModelDirectory("v2") },
    });
    await asRoot(node, "apt-mark unhold docker.io >/dev/null; echo '{}' >/etc/docker/daemon.json");
    await killedUp("verifying 1 files", /pulumi|provider|plugins|main\.ts/);
  });

  it("the next up recovers unaided: the lock, what was pending, and nothing is made twice", async () => {
    const { code, output } = await up();
    expect(code, output).toBe(0);
    expect(output).toMatch(/removed the lock of .*that process is gone/);
    expect(await identity()).toBe(before);
    expect(await asRoot(node, "readlink /srv/racksmith/vault/weights/current")).toMatch(/v2$/);
    expect(
      await asRoot(node, `${MEMBER}; mdadm --detail /dev/md/racksmith | grep -c "$disk"; apt-mark showhold`),
    ).toMatch(/^1\n[\s\S]*docker\.io/);
    await node.serves();
    const wanted = createHash("sha256").update(`${hookToken} ${hostile}`).digest("hex");
    expect(await node.shell("cat /tmp/hook.sum")).toContain(wanted);
    expect(readFileSync(hookSum, "utf8")).toContain(wanted);
  });
});

describe("secrets, after success and failure", { timeout: 5 * MINUTES }, () => {
  it("are in no output, no argv here, no state of the engine", () => {
    expect(holdsAny(output, secrets)).toBe(false);
    expect(holdsAny(watch.here(), secrets)).toBe(false);
    expect(foundInState(secrets, begun)).toEqual([]);
  });

  it("are on the node only in files that their readers alone can read: no journal, argv, container inspect or log", async () => {
    const found = await foundOnNode(node, secrets);
    for (const where of found) expect(where).toMatch(/^[0-7]+0 \S+ \/etc\/racksmith/);
    expect(found.map((where) => where.split(" ")[2])).toContain(SECRET_FILE);
  });
});

describe("full disk", { timeout: 10 * MINUTES }, () => {
  const wanted = { name: "full-disk", files: [{ path: HOSTILE_FILE, content: "x".repeat(200_000) }] };
  const files = () => ["files", wanted, connection] as const;

  it("of the node: said clearly, what is there stays and serves; after freeing it works", async () => {
    // Root's reserve too, which df does not count.
    await asRoot(
      node,
      "fallocate -l $(($(stat -f -c '%f*%S' /) - 1048576)) /var/filler; dd if=/dev/zero of=/var/filler2 bs=4k 2>/dev/null; sync",
    );
    const { code, output } = await up();
    expect(code).not.toBe(0);
    expect(output).toMatch(/rootFreeGiB: found 0 GiB free on \/, wanted at least 1 GiB/);
    expect(await refusedNoun(...files())).toMatch(/disk full: \/ has \d+ KiB free/);
    expect(await asRoot(node, `cksum <${HOSTILE_FILE}`)).not.toContain("200000");
    expect((await node.chat()).status).toBe(200);
    await asRoot(node, "rm /var/filler /var/filler2");
    await ensureNoun(...files());
    const again = await up();
    expect(again.code, again.output).toBe(0);
    expect((await node.chat()).status).toBe(200);
  });
});
