import { expect, it } from "vitest";
import { hostsOf, resourcesOfHost, withoutResources } from "../../cli/stack/forget.ts";
import { parseExport, pendingOf, resourcesOf } from "../../cli/stack/state.ts";

const urn = (type: string, name: string) => `urn:pulumi:lab::racksmith::${type}::${name}`;
const node = (name: string) => urn("racksmith:components:GpuNode", name);
const noun = (name: string, more: object = {}) => ({
  urn: urn("racksmith:index:Raid", name),
  type: "racksmith:index:Raid",
  inputs: { connection: { name } },
  ...more,
});
const root = { urn: urn("pulumi:pulumi:Stack", "racksmith-lab"), type: "pulumi:pulumi:Stack" };
const dockerOf = (name: string) => urn("pulumi:providers:docker", name);

/** Two hosts; the parts of the second hang on it in every way that there is. */
const state = parseExport(
  JSON.stringify({
    version: 3,
    deployment: {
      resources: [
        root,
        { urn: urn("pulumi:providers:racksmith", "default"), type: "pulumi:providers:racksmith" },
        ...["gpu-2", "gpu-2-b"].flatMap((name) => [
          { urn: node(name), type: "racksmith:components:GpuNode", parent: root.urn },
          noun(name),
          { urn: dockerOf(name), type: "pulumi:providers:docker", parent: node(name) },
          { urn: urn("docker:C", `${name}-c`), type: "docker:C", provider: `${dockerOf(name)}::5f1d` },
          { urn: urn("command:C", `${name}-d`), type: "command:C", dependencies: [noun(name).urn] },
          {
            urn: urn("command:C", `${name}-e`),
            type: "command:C",
            deletedWith: urn("command:C", `${name}-d`),
          },
          {
            urn: urn("command:C", `${name}-f`),
            type: "command:C",
            propertyDependencies: { x: [node(name)], y: null },
          },
        ]),
      ],
      pending_operations: [
        { type: "creating", resource: noun("gpu-2") },
        { type: "updating", resource: noun("gpu-2-b") },
      ],
    },
  }),
);

it("finds all of one host and nothing of another whose name begins alike", () => {
  expect(hostsOf(state)).toEqual(["gpu-2", "gpu-2-b"]);
  const found = resourcesOfHost(state, "gpu-2");
  expect(found).toHaveLength(7);
  expect(found.map((it) => it.urn).filter((it) => it.includes("gpu-2-b"))).toEqual([]);
  const left = withoutResources(state, found);
  expect(resourcesOf(left)).toHaveLength(resourcesOf(state).length - 7);
  expect(
    resourcesOf(left).filter((it) => it.urn.includes("default") || it.type.endsWith("Stack")),
  ).toHaveLength(2);
  expect(pendingOf(left)).toMatchObject([{ type: "updating" }]);
  expect(hostsOf(left)).toEqual(["gpu-2-b"]);
});
