import { expect, it } from "vitest";
import { dockerConfig } from "../../config/docker.ts";

const problems = (given: unknown) =>
  dockerConfig.safeParse(given).error?.issues.map((issue) => `${issue.path.join("/")}: ${issue.message}`) ??
  [];

it("allows no registry without TLS unless it is named", () => {
  expect(dockerConfig.parse({}).insecureRegistries).toEqual([]);
  expect(problems({ insecureRegistries: ["registry.example:5000", "10.0.0.5"] })).toEqual([]);
});

it.each([
  [{ insecureRegistries: ["0.0.0.0/0"] }, "insecureRegistries/0"],
  [{ insecureRegistries: ["$(id)"] }, "insecureRegistries/0"],
  [{ insecureRegistries: ["http://x"] }, "insecureRegistries/0"],
  [{ registryMirrors: ["https://user:pass@mirror"] }, "registryMirrors/0"],
  [{ registryMirrors: ["file:///etc"] }, "registryMirrors/0"],
  [{ version: "26.1; reboot" }, "version"],
  [{ version: "" }, "version"],
  [{ version: "-o Dir=/" }, "version"],
  [{ dataRoot: "/srv/../etc" }, "dataRoot"],
  [{ dataRoot: "/srv/a b" }, "dataRoot"],
  [{ dataRoot: "x".repeat(10_000) }, "dataRoot"],
  [{ cgroupDriver: "none" }, "cgroupDriver"],
  [{ logFiles: 0 }, "logFiles"],
  [{ liveRestore: false }, "liveRestore"],
])("%j is refused by its path", (given, path) => expect(problems(given).join()).toContain(path));
