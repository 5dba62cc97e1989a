import { type Exported, nameOf, resourcesOf } from "./state.ts";

/** Nouns that hold data, and what of it stays on the host unless `onDelete` says wipe. */
const dataNouns: Readonly<Record<string, string>> = {
  "racksmith:index:Raid": "the array and what is on it",
  "racksmith:index:Vault": "the encrypted volume, its key slots and its files",
  "racksmith:index:Weights": "the weights",
};

/** What a destroy leaves on the hosts, one line each. Read before the destroy: after it the state is empty. */
export function keptByDestroy(state: Exported): string[] {
  return resourcesOf(state).flatMap(({ urn, type, inputs }) => {
    const what = dataNouns[type];
    return what && inputs?.onDelete !== "wipe" ? [`${nameOf(urn)}: ${what}`] : [];
  });
}
