import { createHash } from "node:crypto";
import { z } from "zod";
import { fileContent, filePath, fileShape } from "../../config/files.ts";
import { type Change, type Disruption, defineNoun, type Refusal } from "../noun.ts";

const inputs = z.strictObject({
  /** Name of this set of files; what it created is recorded under it on the node. */
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, "must be a lower-case letter, then up to 62 of a-z 0-9 -"),
  files: z
    .array(z.strictObject({ ...fileShape, content: fileContent.optional() }))
    .max(200)
    .refine((files) => new Set(files.map((file) => file.path)).size === files.length, {
      message: "names a path twice",
    }),
  /** Path → content, for files whose content is a secret; such a file has no `content`. */
  secretContents: z.record(filePath, fileContent).default({}),
});

const facts = z.object({
  files: z.array(
    z.object({
      path: z.string(),
      /** `file`, `missing`, `link`, `directory`, `other`; `via link` when a folder above it is a link. */
      kind: z.string(),
      sha256: z.string(),
      mode: z.string(),
      owner: z.string(),
      group: z.string(),
      uid: z.string(),
      gid: z.string(),
    }),
  ),
  /** Files recorded for this set that are not in it any more. */
  stale: z.array(z.string()),
  /** What a changed file still has to cause, since an earlier act was cut off: `reload chrony.service`. */
  pending: z.array(z.string()),
});

type Inputs = z.infer<typeof inputs>;
type Facts = z.infer<typeof facts>;
type File = Inputs["files"][number];

/** Small configuration files with owner and mode, and what to reload when they change. */
export const files = defineNoun({
  name: "files",
  inputs,
  facts,
  secrets: ["secretContents"],
  replaceOn: ["name"],
  compare,
  refuse,
  forObserve: (wanted) => ({ name: wanted.name, file_path: wanted.files.map((file) => file.path) }),
  forAct: (wanted) => ({
    name: wanted.name,
    file_path: wanted.files.map((file) => file.path),
    file_content: wanted.files.map((file) => contentOf(wanted, file) ?? ""),
    file_owner: wanted.files.map((file) => file.owner),
    file_group: wanted.files.map((file) => file.group),
    file_mode: wanted.files.map((file) => octal(file.mode)),
    action_path: wanted.files.flatMap((file) => file.onChange.map(() => file.path)),
    action: wanted.files.flatMap((file) => file.onChange.map(actionText)),
  }),
});

/** `reload UNIT`, `restart UNIT`, `signal SIGNAL CONTAINER`, `daemon-reload`: words without spaces inside. */
function actionText(action: File["onChange"][number]): string {
  switch (action.kind) {
    case "signal":
      return `signal ${action.signal} ${action.container}`;
    case "daemon-reload":
      return "daemon-reload";
    default:
      return `${action.kind} ${action.unit}`;
  }
}

function contentOf(wanted: Inputs, file: File): string | undefined {
  return file.content ?? wanted.secretContents[file.path];
}

/** As `stat -c %a` prints it. */
function octal(mode: string): string {
  return Number.parseInt(mode, 8).toString(8);
}

function compare(wanted: Inputs, found: Facts): Change[] {
  return [
    ...wanted.files.flatMap((file) => fileChanges(wanted, file, found)),
    ...found.stale.map(
      (path): Change => ({
        path,
        found: "left over",
        wanted: "removed",
        disruption: "none",
        why: "no longer in the configuration",
      }),
    ),
    ...found.pending.map(
      (action): Change => ({
        path: "onChange",
        found: `not done: ${action}`,
        wanted: "done",
        disruption: disruptionOf(action),
      }),
    ),
  ];
}

function fileChanges(wanted: Inputs, file: File, found: Facts): Change[] {
  const is = found.files.find((one) => one.path === file.path);
  const disruption = worst(file.onChange.map((action) => disruptionOf(actionText(action))));
  if (is === undefined || is.kind !== "file") {
    return [{ path: file.path, found: is?.kind ?? "missing", wanted: "file", disruption }];
  }
  const should = {
    content: createHash("sha256")
      .update(contentOf(wanted, file) ?? "")
      .digest("hex"),
    mode: octal(file.mode),
    owner: file.owner,
    group: file.group,
  };
  const has = {
    content: is.sha256,
    mode: is.mode,
    owner: /^[0-9]/.test(file.owner) ? is.uid : is.owner,
    group: /^[0-9]/.test(file.group) ? is.gid : is.group,
  };
  const changes: Change[] = [];
  for (const key of ["content", "mode", "owner", "group"] as const) {
    if (has[key] !== should[key]) {
      changes.push({ path: `${file.path}:${key}`, found: has[key], wanted: should[key], disruption });
    }
  }
  return changes;
}

function disruptionOf(action: string): Disruption {
  if (action.startsWith("restart docker") || action.startsWith("restart racksmith-inference"))
    return "container restart";
  return "reload";
}

function worst(disruptions: Disruption[]): Disruption {
  if (disruptions.includes("container restart")) return "container restart";
  return disruptions.length > 0 ? "reload" : "none";
}

function refuse(wanted: Inputs, found: Facts): Refusal[] {
  const without = wanted.files.filter((file) => contentOf(wanted, file) === undefined);
  const strange = found.files.filter((one) => ["directory", "other", "via link"].includes(one.kind));
  return [
    ...without.map((file) => ({
      path: file.path,
      found: "no content",
      wanted: "content, or an entry of secretContents",
      remedy: 'add content (it may be "")',
    })),
    ...strange.map((one) => ({
      path: one.path,
      found: one.kind === "via link" ? "a folder above it is a symbolic link" : `a ${one.kind}`,
      wanted: "a plain file in plain folders",
      remedy: "move it away by hand, or choose the path that the link points to",
    })),
  ];
}
