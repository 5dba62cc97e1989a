import provider from "@pulumi/pulumi/proto/provider_pb.js";
import type { Diffed, PropertyDiffKind } from "./handlers.ts";

const kinds: Record<PropertyDiffKind, provider.PropertyDiff.Kind> = {
  add: provider.PropertyDiff.Kind.ADD,
  update: provider.PropertyDiff.Kind.UPDATE,
  delete: provider.PropertyDiff.Kind.DELETE,
  "add-replace": provider.PropertyDiff.Kind.ADD_REPLACE,
  "update-replace": provider.PropertyDiff.Kind.UPDATE_REPLACE,
  "delete-replace": provider.PropertyDiff.Kind.DELETE_REPLACE,
};

/** The engine's form of a diff: which properties, which of them replace, and that this is all of it. */
export function detailedDiff({ detailed, deleteBeforeReplace = false }: Diffed): provider.DiffResponse {
  const response = new provider.DiffResponse();
  const paths = Object.keys(detailed);
  response.setChanges(
    paths.length === 0
      ? provider.DiffResponse.DiffChanges.DIFF_NONE
      : provider.DiffResponse.DiffChanges.DIFF_SOME,
  );
  response.setDiffsList([...new Set(paths.map(topLevel))]);
  response.setReplacesList([
    ...new Set(paths.filter((path) => detailed[path]?.endsWith("-replace")).map(topLevel)),
  ]);
  response.setHasdetaileddiff(true);
  response.setDeletebeforereplace(deleteBeforeReplace);
  for (const [path, kind] of Object.entries(detailed)) {
    const diff = new provider.PropertyDiff();
    diff.setKind(kinds[kind]);
    response.getDetaileddiffMap().set(path, diff);
  }
  return response;
}

function topLevel(path: string): string {
  return path.split(/[.[]/)[0] ?? path;
}
