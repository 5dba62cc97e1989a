import { expect, test } from "vitest";
import { clearSecrets } from "../../config/clear-secrets.ts";

test("names every secret that stands in the clear, in sections, lists and hosts, and no encrypted one", () => {
  const found = clearSecrets({
    tier: "entry-4090",
    hosts: [
      { name: "a", address: "192.0.2.1", privateKey: "PRIVATE", vault: { key: "OF-HOST" } },
      { name: "b", privateKey: { secure: "v1:x" } },
    ],
    vault: { key: "KEY", unlock: "tpm2" },
    raid: { monitorWebhook: "https://hook.example/TOKEN" },
    inference: { apiKeys: { app: { secure: "v1:y" }, "odd name": "API" }, servedName: "m" },
    files: [{ path: "/etc/x", content: "public", secretContent: "FILE" }],
    hooks: { postDeploy: [{ where: "node", run: "true", environment: { TOKEN: "HOOK" } }] },
  });
  expect(found.map(({ path, value }) => `${path.join("/")}=${value}`)).toEqual([
    "hosts/0/privateKey=PRIVATE",
    "hosts/0/vault/key=OF-HOST",
    "vault/key=KEY",
    "raid/monitorWebhook=https://hook.example/TOKEN",
    "inference/apiKeys/odd name=API",
    "files/0/secretContent=FILE",
    "hooks/postDeploy/0/environment/TOKEN=HOOK",
  ]);
});

test("copes with whatever a file may hold", () => {
  expect(clearSecrets({ hosts: "x", vault: null, inference: [1], files: { a: "b" } })).toEqual([]);
});
