import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, expect, it } from "vitest";
import { weights } from "../../provider/resources/weights.ts";
import { facts, lines, namespaces, nothing, prelude, sha } from "./weights-room.ts";

describe.skipIf(!namespaces)("weights from a URL", () => {
  const sums = `${sha("remote one")}  dir/ö 1.bin\n${sha("")}  zero\n`;
  const files = new Map([
    ["/m/SHA256SUMS", sums],
    ["/m/dir/%C3%B6%201.bin", "remote one"],
    ["/m/zero", ""],
  ]);

  /** A server that honours Range, and can break an answer off in the middle. */
  async function served(steps: (url: string) => string, breakOnce = false, head = 200) {
    const asked: string[] = [];
    let broken = !breakOnce;
    const server = createServer((request, response) => {
      const body = files.get(request.url ?? "");
      if (body === undefined) return response.writeHead(404).end();
      if (request.method === "HEAD" && head !== 200) return response.writeHead(head).end();
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (request.method === "GET") asked.push(`${request.url} ${from}`);
      const part = Buffer.from(body).subarray(from);
      if (from > 0 && part.length === 0) return response.writeHead(416).end();
      response.writeHead(from > 0 ? 206 : 200, {
        "content-length": part.length,
        "content-range": `bytes ${from}-${body.length - 1}/${body.length}`,
      });
      if (request.method === "HEAD") return response.end();
      if (!broken && request.url?.endsWith(".bin")) {
        broken = true;
        return response.write(part.subarray(0, 6), () => response.destroy());
      }
      return response.end(part);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const child = spawn("unshare", [
      "-rm",
      "bash",
      "-c",
      prelude + steps(`http://127.0.0.1:${address.port}/m`),
    ]);
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (err += data));
    await once(child, "close");
    server.close();
    return { out: out.trimEnd().split("\n"), err, asked };
  }
  const remote = (url: string, manifestSha256 = sha(sums)) =>
    weights.inputs.parse({ name: "far", version: "1", url, manifestSha256 });
  const bring = (url: string, hash?: string) => `apply ${lines(weights.forAct(remote(url, hash), nothing))}`;

  it("fetch, verify and become current", async () => {
    const { out } = await served(
      (url) =>
        `${bring(url)} >/dev/null\nobserve ${lines(weights.forObserve(remote(url)))}\ncat "$V/weights/current/dir/ö 1.bin"`,
    );
    expect(weights.compare(remote("http://x/m"), facts(out[0]))).toEqual([]);
    expect(out[1]).toBe("remote one");
  });

  it.each([403, 405])("do without a server that answers HEAD with %i", async (status) => {
    const { out, err } = await served(
      (url) => `${bring(url)}\ncat "$V/weights/current/dir/ö 1.bin"`,
      false,
      status,
    );
    expect(out.at(-1)).toBe("remote one");
    expect(err).toBe("");
  });

  it("with ./ before the names, as find prints them, and no newline at the end, are the same names", async () => {
    const dotted = `${sha("remote one")}  ./dir/ö 1.bin\n${sha("")}  ./zero`;
    files.set("/m/SHA256SUMS", dotted);
    const wanted = (url: string) => remote(url, sha(dotted));
    const { out, err } = await served((url) => {
      const look = `observe ${lines(weights.forObserve(wanted(url)))}`;
      const again = `${bring(url, sha(dotted))} >/dev/null`;
      return `${again}\n${look}\nrm "$V/weights/current/zero"\n${look}\n${again}\n${look}\nls "$V/weights/current"`;
    });
    files.set("/m/SHA256SUMS", sums);
    expect(err).toBe("");
    const paths = (line?: string) =>
      weights.compare(wanted("http://x/m"), facts(line)).map(({ path }) => path);
    expect(out.slice(0, 3).map(paths)).toEqual([[], ["files.zero"], []]);
    expect(out.slice(3)).toEqual(["dir", "SHA256SUMS", "zero"].toSorted());
  });

  it("are read again with verify: full, and what has changed is fetched anew at once", async () => {
    const full = (url: string) => ({ ...remote(url), verify: "full" as const });
    const { out } = await served(
      (url) =>
        `${bring(url)} >/dev/null\nf="$V/weights/current/dir/ö 1.bin"; chmod u+w "$f"; printf 'remote 0ne' >"$f"; touch -d @1 "$f"; rm "$V/weights/read"\nobserve ${lines(weights.forObserve(full(url)))}\napply ${lines(weights.forAct(full(url), nothing))} >/dev/null\nobserve ${lines(weights.forObserve(full(url)))}\ncat "$f"`,
    );
    expect(facts(out[0]).unread).toBe(2);
    expect(weights.compare(full("http://x/m"), facts(out[1]))).toEqual([]);
    expect(out[2]).toBe("remote one");
  });

  it("go on where a broken transfer stopped", async () => {
    const { out, asked } = await served(
      (url) => `${bring(url)} >/dev/null\ncat "$V/weights/current/dir/ö 1.bin"`,
      true,
    );
    expect(out.at(-1)).toBe("remote one");
    expect(asked).toContain("/m/dir/%C3%B6%201.bin 6");
  });

  it("refuse a manifest that is not the pinned one", async () => {
    const { out, err } = await served((url) => `${bring(url, sha("other"))}\nls "$V/weights/versions"`);
    expect(err).toContain(`wanted ${sha("other")}`);
    expect(out.at(-1)).toBe("exit 1");
  });
});
