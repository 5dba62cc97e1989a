import { type Exported, nameOf, pendingOf, resourcesOf, type StateResource } from "./state.ts";

/** The component that holds everything of one host, named like it. */
const hostComponent = "racksmith:components:GpuNode";

/** What the state holds of a host: what is connected to it, its component, and all that belongs to or needs these. */
export function resourcesOfHost(state: Exported, host: string): StateResource[] {
  const all = resourcesOf(state);
  const chosen = new Set(all.filter((it) => isOf(it, host)).map(({ urn }) => urn));
  for (let before = -1; before !== chosen.size; ) {
    before = chosen.size;
    for (const it of all) if (needs(it).some((urn) => chosen.has(urn))) chosen.add(it.urn);
  }
  return all.filter(({ urn }) => chosen.has(urn));
}

/** The same state without these resources, and without what was begun on them. An import drops all that was begun. */
export function withoutResources(state: Exported, dropped: readonly StateResource[]): Exported {
  const gone = new Set(dropped.map(({ urn }) => urn));
  const pending = pendingOf(state).filter(({ resource }) => !gone.has(resource.urn));
  const { pending_operations: _all, ...deployment } = state.deployment;
  const resources = resourcesOf(state).filter(({ urn }) => !gone.has(urn));
  return {
    ...state,
    deployment: { ...deployment, resources, ...(pending.length > 0 ? { pending_operations: pending } : {}) },
  };
}

/** Names of the hosts that the state knows. */
export function hostsOf(state: Exported): string[] {
  const names = resourcesOf(state).flatMap((it) => connectionName(it) ?? []);
  return [...new Set(names)].sort();
}

function isOf(resource: StateResource, host: string): boolean {
  if (resource.type === hostComponent) return nameOf(resource.urn) === host;
  return connectionName(resource) === host;
}

function connectionName({ type, inputs }: StateResource): string | undefined {
  const connection = type.startsWith("racksmith:index:") ? inputs?.connection : undefined;
  return typeof connection === "object" &&
    connection !== null &&
    "name" in connection &&
    typeof connection.name === "string"
    ? connection.name
    : undefined;
}

function needs(resource: StateResource): string[] {
  const { parent, provider, deletedWith, dependencies, propertyDependencies } = resource;
  const one = [parent, provider?.replace(/::[^:]*$/, ""), deletedWith].filter((it) => it !== undefined);
  return [
    ...one,
    ...(dependencies ?? []),
    ...Object.values(propertyDependencies ?? {}).flatMap((it) => it ?? []),
  ];
}
