import { z } from "zod";
import { secretText } from "./secret.ts";

/** Folders in which racksmith may write files of the user's. */
export const allowedPrefixes: readonly string[] = [
  "/etc/",
  "/opt/racksmith/",
  "/srv/racksmith/",
  "/usr/local/etc/",
  "/usr/local/lib/",
  "/var/lib/racksmith/files/",
];

/** What other nouns own, or what locks everybody out when it is wrong. */
export const deniedPaths: readonly string[] = [
  "/etc/crypttab",
  "/etc/docker/daemon.json",
  "/etc/fstab",
  "/etc/group",
  "/etc/gshadow",
  "/etc/ld.so.preload",
  "/etc/mdadm/",
  "/etc/pam.d/",
  "/etc/passwd",
  "/etc/racksmith/gateway/",
  "/etc/shadow",
  "/etc/ssh/",
  "/etc/sudoers",
  "/etc/sudoers.d/",
  "/etc/systemd/system/racksmith-",
  "/srv/racksmith/vault/weights/",
];

const maxContentBytes = 256 * 1024;

/** Path of a file on the node: absolute, normalised, in an allowed folder and not another noun's. */
export const filePath = z
  .string()
  .max(512)
  .regex(/^(\/[A-Za-z0-9@._+:-]+)+$/, "must be an absolute path of letters, digits and @ . _ + : -")
  .refine((path) => path.split("/").every((part) => part !== ".." && part !== "."), {
    message: "must not contain . or ..",
  })
  .refine((path) => allowedPrefixes.some((prefix) => path.startsWith(prefix)), {
    message: `must be under one of ${allowedPrefixes.join(" ")}`,
  })
  .refine(
    (path) =>
      !deniedPaths.some((denied) => (/[/-]$/.test(denied) ? path.startsWith(denied) : path === denied)),
    {
      message: "belongs to another part of racksmith or decides who may log in: not taken",
    },
  );

/** Text of a file. May be empty. At most 256 KiB, without NUL. */
export const fileContent = z
  .string()
  .refine((text) => Buffer.byteLength(text) <= maxContentBytes, { message: "must be at most 256 KiB" })
  .refine((text) => !text.includes("\0"), { message: "must not contain NUL" });

const account = z
  .string()
  .regex(/^([a-z_][a-z0-9_-]{0,31}|[0-9]{1,10})$/, "must be a login name or a number")
  .default("root");

/** A systemd unit with its suffix. */
export const unitName = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9@:._-]*\.(service|socket|timer|mount|target)$/,
    "must be a unit such as chrony.service",
  );

/** What to do when a file changed. */
export const onChange = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("reload").describe("systemctl reload"),
    unit: unitName.describe("the unit"),
  }),
  z.strictObject({
    kind: z.literal("restart").describe("systemctl restart"),
    unit: unitName.describe("the unit"),
  }),
  z.strictObject({
    kind: z.literal("signal").describe("send a signal to a container, such as HUP to Prometheus"),
    container: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/, "must be a container's name")
      .describe("the container's name"),
    signal: z.enum(["HUP", "USR1", "USR2"]).default("HUP").describe("the signal"),
  }),
  z.strictObject({ kind: z.literal("daemon-reload").describe("systemctl daemon-reload, for unit files") }),
]);

/** One file, but for its content. */
export const fileShape = {
  path: filePath.describe("absolute path on the node, outside what other parts of racksmith own"),
  owner: account.describe("owner, a name or a number"),
  group: account.describe("group, a name or a number"),
  mode: z
    .string()
    .regex(/^0?[0-7]{3}$/, "must be three octal digits such as 0644; set-id bits are not taken")
    .refine((mode) => !"2367".includes(mode.at(-1) ?? "7"), { message: "must not be writable by everybody" })
    .default("0644")
    .describe("permissions in octal"),
  onChange: z.array(onChange).max(8).default([]).describe("what to do after the file has changed"),
};

/** `racksmith:files`: a list of small files; content may be a secret. */
export const filesConfig = z
  .array(
    z
      .strictObject({
        ...fileShape,
        content: fileContent.optional().describe("the file's text; either this or secretContent"),
        secretContent: secretText.optional().describe("content that must not be seen: a Pulumi secret"),
      })
      .refine((file) => (file.content === undefined) !== (file.secretContent === undefined), {
        message: "needs either content or secretContent",
      }),
  )
  .max(200)
  .refine((files) => new Set(files.map((file) => file.path)).size === files.length, {
    message: "names a path twice",
  });

export type FilesConfig = z.output<typeof filesConfig>;
