import { beforeAll, describe, expect, it } from "vitest";
import { DOCKER_DRIFTS, type Drift, SERVICE_DRIFTS, SYSTEM_DRIFTS } from "./support/drifts.ts";
import { leaveClean, type Provisioned, provisioned } from "./support/provisioned.ts";

let node: Provisioned;

beforeAll(async () => {
  node = await provisioned();
});

/** Ten runs, each a whole preview: engine, refresh of every resource, comparison of every noun. */
it("ten clean runs report nothing", async () => {
  for (let run = 1; run <= 10; run++) {
    const { code, output } = await node.racksmith("preview", ["--expect-no-changes"]);
    expect(code, `run ${run}: ${output}`).toBe(0);
    expect(output, `run ${run}`).not.toMatch(/: found .*, wanted /);
  }
});

describe.each([
  ["of the system, the storage and its people", SYSTEM_DRIFTS],
  ["of what serves", SERVICE_DRIFTS],
  ["of Docker itself", DOCKER_DRIFTS],
])("drifts %s", (_, drifts) => {
  let preview = "";
  let up = "";
  let after = new Map<string, string>();

  beforeAll(async () => {
    expectAll(await each(drifts, "seed"), drifts);
    preview = (await node.racksmith("preview")).output;
    const { code, output } = await node.racksmith("up");
    up = output;
    expect(code, output).toBe(0);
    after = await each(drifts, "mended");
  });

  it.each(drifts)("$what: preview names it, up mends it", ({ what, shows }) => {
    expect(preview).toMatch(shows);
    expect(after.get(what), up).toBe("0");
  });

  it("the endpoint answers, and nothing is left to do", async () => {
    await node.serves();
    const { code, output } = await node.racksmith("preview", ["--expect-no-changes"]);
    expect(code, output).toBe(0);
    if (drifts === DOCKER_DRIFTS) leaveClean();
  });
});

/** Runs one script of each on the node, in one login; exit status by name. */
async function each(drifts: readonly Drift[], script: "seed" | "mended"): Promise<Map<string, string>> {
  const lines = drifts.map((drift) => {
    const word = Buffer.from(drift[script]).toString("base64");
    return `echo ${word} | base64 -d | sudo bash >/tmp/drift.log 2>&1; echo $?; sed "s/^/# /" /tmp/drift.log`;
  });
  const output = await node.shell(lines.join("\n"), 300);
  process.stderr.write(output.replaceAll(/^/gm, "    "));
  const codes = output.split("\n").filter((line) => /^\d+$/.test(line));
  return new Map(drifts.map(({ what }, at) => [what, codes[at] ?? "none"]));
}

function expectAll(codes: Map<string, string>, drifts: readonly Drift[]): void {
  expect(Object.fromEntries(codes)).toEqual(Object.fromEntries(drifts.map(({ what }) => [what, "0"])));
}
