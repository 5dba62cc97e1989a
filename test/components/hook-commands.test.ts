import { execFileSync, spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  commandConnection,
  hookScript,
  localScript,
  NODE_COMMAND,
  preferredHostKey,
  quote,
} from "../../components/hook-commands.ts";
import { knownHostsLines, sshOptions } from "../../components/ssh-options.ts";
import { connectionSchema } from "../../config/connection.ts";
import { Secret } from "../../config/secret.ts";
import { hostKey } from "../config/sample.ts";

const ecdsa = "ecdsa-sha2-nistp256 AAAAE2VjZHNh";
const connection = connectionSchema.parse({
  name: "gpu-1",
  address: "192.0.2.10",
  hostKeys: [hostKey, ecdsa],
  privateKeyFile: "/keys/id",
  jump: { address: "192.0.2.1", user: "hop", port: 2200, hostKeys: [hostKey], privateKeyFile: "/keys/hop" },
});

/** What a host's login shell does with a hook. */
function onNode(script: string): string {
  return execFileSync("bash", ["-c", NODE_COMMAND], { input: script, encoding: "utf8" });
}

describe("a hook on the node", () => {
  test("gets its environment and runs its lines", () => {
    const script = hookScript({
      where: "node",
      run: 'echo "$GREETING"; echo done',
      environment: { GREETING: new Secret("it's $(id)") },
    });
    expect(onNode(script)).toBe("it's $(id)\ndone\n");
  });

  test("stops at the first failure and finds an empty stdin", () => {
    expect(() => onNode(hookScript({ where: "node", run: "false\necho no", environment: {} }))).toThrow();
    expect(onNode(hookScript({ where: "node", run: "cat; echo end", environment: {} }))).toBe("end\n");
  });

  test("any value comes through as it is", () => {
    fc.assert(
      fc.property(
        fc
          .string({ unit: "binary", maxLength: 200 })
          .filter((text) => !text.includes("\0") && text.isWellFormed()),
        (text) => {
          const script = hookScript({
            where: "node",
            run: 'printf %s "$V"',
            environment: { V: new Secret(text) },
          });
          expect(onNode(script)).toBe(text);
        },
      ),
      { numRuns: 20 },
    );
    expect(quote("'")).toBe("''\\'''");
  }, 60_000);
});

describe("a hook that fails", () => {
  const hook = (where: "node" | "workstation", value: string, run: string) => ({
    where,
    run,
    environment: { TOKEN: new Secret(value), OTHER: new Secret("another-token") },
  });
  const failing = 'echo "before $TOKEN after"; echo "$OTHER" >&2; exit 7; echo never';

  test.each(["canary-3f9a", "canary $(id) 'q' \"d\" * [a-z] & \\\\n", "line-one\nline-two\n"])(
    "says what it printed without its secrets: %j",
    (value) => {
      const env = { ...process.env, TOKEN: value, OTHER: "another-token" };
      const runs = [
        spawnSync("bash", ["-c", NODE_COMMAND], {
          input: hookScript(hook("node", value, failing)),
          encoding: "utf8",
        }),
        spawnSync("bash", ["-c", localScript(hook("workstation", value, failing))], {
          env,
          encoding: "utf8",
        }),
      ];
      for (const { status, stdout, stderr } of runs) {
        expect(status).toBe(7);
        expect(stdout + stderr).toMatch(/^before \[secret\] after\n\[secret\]\n$/);
      }
    },
  );

  test("by its lines alone: one secret line of several, and errexit is in force", () => {
    const run = 'head -n 1 <<<"$TOKEN"\nfalse\necho never';
    const { status, stdout } = spawnSync("bash", ["-c", NODE_COMMAND], {
      input: hookScript(hook("node", "line-one\nline-two", run)),
      encoding: "utf8",
    });
    expect({ status, stdout }).toEqual({ status: 1, stdout: "[secret]\n" });
  });
});

test("@pulumi/command gets the key that Go will be shown, and the jump host", () => {
  expect(preferredHostKey([hostKey, ecdsa])).toBe(ecdsa);
  expect(preferredHostKey([hostKey])).toBe(hostKey);
  expect(commandConnection(connection, (path) => `key of ${path}`)).toMatchObject({
    host: "192.0.2.10",
    hostKey: ecdsa,
    privateKey: "key of /keys/id",
    proxy: { host: "192.0.2.1", port: 2200, user: "hop", hostKey, privateKey: "key of /keys/hop" },
  });
});

test("ssh trusts the pinned keys only, and passes the jump host the same way", () => {
  const known = "/state/known";
  expect(
    sshOptions(
      connection,
      { keyFile: "/keys/id", knownHostsFile: known },
      { keyFile: "/keys/hop", knownHostsFile: known },
    ),
  ).toEqual([
    "-i",
    "/keys/id",
    "-o",
    "UserKnownHostsFile=/state/known",
    "-o",
    "StrictHostKeyChecking=yes",
    "-o",
    "BatchMode=yes",
    "-o",
    "IdentitiesOnly=yes",
    "-o",
    "ConnectTimeout=30",
    "-o",
    "ProxyCommand=ssh -i /keys/hop -o UserKnownHostsFile=/state/known -o StrictHostKeyChecking=yes -o BatchMode=yes -p 2200 -W %h:%p hop@192.0.2.1",
  ]);
  expect(knownHostsLines(connection)).toBe(`192.0.2.10 ${hostKey}\n192.0.2.10 ${ecdsa}\n`);
  expect(() => sshOptions(connection, { keyFile: "/my keys/id", knownHostsFile: known })).toThrow(
    "/my keys/id",
  );
});
