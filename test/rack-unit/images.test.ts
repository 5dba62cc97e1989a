import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { IMAGE_NAMES, IMAGES } from "../../rack/images/definitions.ts";
import { FlagError, parseFlags } from "../../rack/images/llamacpp/app/flags.ts";
import { Metrics } from "../../rack/images/llamacpp/app/metrics.ts";
import { BadRequest, readCommon, readMessages } from "../../rack/images/llamacpp/app/request.ts";
import { TextAssembler } from "../../rack/images/llamacpp/app/text.ts";
import { encodeGguf } from "../../rack/images/llamacpp/gguf.ts";
import { tinyModel, writeTinyModel } from "../../rack/images/llamacpp/tinyModel.ts";

const sha256 = (data: Buffer): string => createHash("sha256").update(data).digest("hex");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "racksmith-images-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("GGUF", () => {
  it("aligns tensor data and counts what is in the file", () => {
    const data = Float32Array.from([1.5, -2]);
    const file = encodeGguf({ "a.b": { type: "u32", value: 7 } }, [{ name: "t", shape: [2], data }]);
    expect(file.toString("latin1", 0, 4)).toBe("GGUF");
    expect(file.readUInt32LE(4)).toBe(3);
    expect([file.readBigUInt64LE(8), file.readBigUInt64LE(16)]).toEqual([1n, 1n]);
    expect(file.length % 32).toBe(0);
    expect([file.readFloatLE(file.length - 32), file.readFloatLE(file.length - 28)]).toEqual([1.5, -2]);
  });

  it("refuses a tensor whose data does not fill its shape", () => {
    expect(() => encodeGguf({}, [{ name: "t", shape: [3], data: new Float32Array(2) }])).toThrow(
      /shape wants 3/,
    );
  });
});

describe("the tiny models", () => {
  // node-llama-cpp loaded exactly these bytes and answered; a change here wants that again (see the rack tests).
  it.each([
    ["v1", "cbee3d1c0cca878d744db211b545f6256f1bea7fc5cc355e2a85f93087e64b04"],
    ["v2", "3671a7e1b6462bc58c94e4fb9460b729fd59e8e1bb17defe1b052c11c52218a6"],
  ] as const)("%s is the same everywhere", (version, hash) => {
    expect(sha256(tinyModel(version))).toBe(hash);
  });

  it("is small, differs by version and has a chat template", async () => {
    const path = join(folder, "weights", "model.gguf");
    await writeTinyModel(path, "v2");
    const written = readFileSync(path);
    expect(written.equals(tinyModel("v2"))).toBe(true);
    expect(written.equals(tinyModel("v1"))).toBe(false);
    expect(written.length).toBeLessThan(520_000);
    expect(written.includes("tokenizer.chat_template")).toBe(true);
  });
});

describe("llama-server's flags", () => {
  it("are those that racksmith passes", () => {
    const argv =
      "--model /w/m.gguf --host 0.0.0.0 --port 8080 --alias tiny --ctx-size 4096 --parallel 2 --n-gpu-layers 99 --metrics";
    expect(parseFlags(argv.split(" "))).toMatchObject({
      modelPath: "/w/m.gguf",
      host: "0.0.0.0",
      port: 8080,
      alias: "tiny",
      contextTokens: 4096,
      slots: 2,
      gpuLayers: 99,
      metrics: true,
    });
  });

  it.each([
    [["--modle", "x"]],
    [["--port", "8080"]],
    [["--model", "m", "--port", "high"]],
    [["--model", "m", "x"]],
  ])("refuse %j", (argv) => {
    expect(() => parseFlags(argv)).toThrow(FlagError);
  });
});

describe("requests", () => {
  it("keep what clients send and name what is wrong", () => {
    expect(
      readCommon({ max_tokens: 5, stop: "x", stream: true, stream_options: { include_usage: true } }),
    ).toMatchObject({
      maxTokens: 5,
      stop: ["x"],
      stream: true,
      includeUsage: true,
    });
    expect(() => readCommon({ max_tokens: "5" })).toThrow(BadRequest);
    expect(readMessages({ messages: [{ role: "user", content: [{ type: "text", text: "a" }] }] })).toEqual([
      { role: "user", content: "a" },
    ]);
    expect(() => readMessages({ messages: [{ content: "a" }] })).toThrow("messages/0");
  });
});

describe("text assembly", () => {
  const bytes = (tokens: readonly number[]): string => Buffer.from(tokens).toString("utf8");
  const assembler = (stop: string[]): TextAssembler =>
    new TextAssembler({ detokenize: (tokens) => bytes(tokens) }, stop);
  const feed = (text: TextAssembler, data: string): string =>
    [...Buffer.from(data)].flatMap((token) => (text.stopped ? [] : [...text.push(token)])).join("");

  it("never shows half a character", () => {
    const text = assembler([]);
    expect([...Buffer.from("机")].map((token) => [...text.push(token)].join(""))).toEqual(["", "", "机"]);
  });

  it("cuts at a stop string and holds its beginning back until then", () => {
    const text = assembler(["<end>"]);
    expect(feed(text, "ab<en")).toBe("ab");
    expect(feed(text, "d>cd")).toBe("");
    expect(text.stopped).toBe(true);
    const other = assembler(["<end>"]);
    expect(feed(other, "ab<en") + [...other.end()].join("")).toBe("ab<en");
  });
});

describe("metrics", () => {
  it("have llama-server's names", () => {
    const metrics = new Metrics();
    metrics.processing = 2;
    metrics.predictedTokens = 10;
    const text = metrics.render();
    expect(text).toContain("\nllamacpp:requests_processing 2\n");
    expect(text).toContain(
      "# TYPE llamacpp:tokens_predicted_total counter\nllamacpp:tokens_predicted_total 10\n",
    );
    expect(text).toContain("llamacpp:requests_deferred 0\n");
  });
});

describe("image definitions", () => {
  it("share their lowest layer and have upstream's entrypoints", () => {
    for (const name of IMAGE_NAMES) expect(IMAGES[name].layers[0]).toBe("base");
    expect(IMAGES.llamacpp.entrypoint).toEqual(["/app/llama-server"]);
    expect(IMAGES.llamacpp.user).toBe("65532:65532");
    expect(IMAGES.prometheus.entrypoint).toEqual(["/bin/prometheus"]);
  });
});

describe("dcgm-exporter", () => {
  const exporter = fileURLToPath(new URL("../../rack/images/dcgm-exporter/exporter.ts", import.meta.url));
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill());

  async function start(): Promise<string> {
    const port = await new Promise<number>((resolve) => {
      const probe = createServer().listen(0, "127.0.0.1", () => {
        const address = probe.address();
        probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
      });
    });
    const counters = join(folder, "counters.csv");
    writeFileSync(
      counters,
      "# comment\nDCGM_FI_DEV_FB_USED, gauge, used\nDCGM_FI_DEV_XID_ERRORS, gauge, xid\n",
    );
    const args = ["--no-warnings", exporter, `--address=127.0.0.1:${port}`, `--collectors=${counters}`];
    const started = spawn(process.execPath, args, {
      env: { RACKSMITH_SIM_STATE: folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    child = started;
    await new Promise((resolve) => started.stdout?.once("data", resolve));
    return `http://127.0.0.1:${port}/metrics`;
  }

  it("says nothing without a driver, then what the simulated GPU says", async () => {
    const url = await start();
    expect(await (await fetch(url)).text()).toBe("");
    mkdirSync(join(folder, "gpu/0"), { recursive: true });
    const state = {
      "gpu/0/uuid": "GPU-1",
      "gpu/0/memory_used_mib": "1000",
      "gpu/0/xid": "79",
      loaded: "580.173.02",
    };
    for (const [path, value] of Object.entries(state)) writeFileSync(join(folder, path), `${value}\n`);
    const text = await (await fetch(url)).text();
    expect(text).toContain("# HELP DCGM_FI_DEV_FB_USED SIMULATED: ");
    expect(text).toMatch(/^DCGM_FI_DEV_FB_USED\{gpu="0",UUID="GPU-1",.*\} 1000$/m);
    expect(text).toMatch(/^DCGM_FI_DEV_XID_ERRORS\{.*\} 79$/m);
    expect(text).not.toContain("DCGM_FI_DEV_GPU_TEMP");
  });
});
