import { createHash } from "node:crypto";
import { z } from "zod";
import { accessShape, roleGroup } from "../../config/access.ts";
import { loginName } from "../../config/docker.ts";
import { type Change, defineNoun, type Refusal } from "../noun.ts";
import { sudoers } from "./access/sudoers.ts";

const directory = z
  .string()
  .max(512)
  .regex(
    /^\/(srv|var|etc|opt)(\/[A-Za-z0-9._-]+)+$/,
    "must be a normalised path under /srv, /var, /etc or /opt",
  )
  .refine((path) => !path.split("/").includes(".."), { message: "must not contain .." });

/** A unit, `.service` where no suffix is given. */
const unit = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9_][A-Za-z0-9@._-]*$/, "must be a unit such as docker.service");

const inputs = z.strictObject({
  ...accessShape,
  /** The user racksmith connects with: it keeps all it has. */
  connectionUser: loginName,
  /** Units of the inference server: engineers may restart them, auditors read their log. */
  engineUnits: z.array(unit).max(20).default([]),
  /** Further units administrators may restart. */
  nodeUnits: z.array(unit).max(50).default([]),
  /** Where the opened vault is; engineers may read it. Unset: no such folder is kept. */
  vaultPath: directory.optional(),
  /** Where the audit log is; auditors may read it. */
  auditPath: directory.default("/var/log/racksmith/audit"),
});

const facts = z.object({
  /** Role groups that exist → their members. */
  groups: z.record(z.string(), z.array(z.string())),
  /** Those of the wanted members who have an account. */
  users: z.array(z.string()),
  /** `USER KEY` for each wanted key that is in its user's authorized_keys. */
  keys: z.array(z.string()),
  sudoersSha256: z.string(),
  /** `440 root:root`. */
  sudoersMode: z.string(),
  sudoInstalled: z.boolean(),
  /** Path → `750 root:racksmith-engineer`, or `missing`, or `not mounted`. */
  directories: z.record(z.string(), z.string()),
});

type Inputs = z.infer<typeof inputs>;
type Facts = z.infer<typeof facts>;

/** Three roles as groups, what each may do by sudo, and which folders each may read. */
export const access = defineNoun({
  name: "access",
  inputs,
  facts,
  compare,
  refuse,
  forObserve: (wanted) => ({
    group: Object.values(roleGroup),
    ...people(wanted),
    directory: directories(wanted).map((one) => one.path),
    vault_path: wanted.vaultPath ?? "",
  }),
  forAct: (wanted) => ({
    group: Object.values(roleGroup),
    ...people(wanted),
    connection_user: wanted.connectionUser,
    sudoers: rules(wanted),
    directory: directories(wanted).map((one) => one.path),
    directory_mode: directories(wanted).map((one) => one.mode),
    directory_group: directories(wanted).map((one) => one.group),
    vault_path: wanted.vaultPath ?? "",
  }),
});

function people({ members }: Inputs) {
  return {
    member: members.map((one) => one.user),
    member_group: members.map((one) => roleGroup[one.role]),
    key_user: members.flatMap((one) => one.sshKeys.map(() => one.user)),
    key: members.flatMap((one) => one.sshKeys),
  };
}

function rules({ engineUnits, nodeUnits }: Inputs): string {
  return sudoers({ engine: engineUnits, node: nodeUnits });
}

/** Setgid on the audit folder: whoever writes, auditors can read it. */
function directories({ vaultPath, auditPath }: Inputs) {
  const audit = { path: auditPath, mode: "2750", group: roleGroup.auditor };
  return vaultPath === undefined
    ? [audit]
    : [{ path: vaultPath, mode: "750", group: roleGroup.engineer }, audit];
}

function compare(wanted: Inputs, found: Facts): Change[] {
  const changes: Change[] = [];
  const add = (path: string, is: unknown, should: unknown) => {
    if (is !== should) changes.push({ path, found: is, wanted: should, disruption: "none" });
  };
  for (const group of Object.values(roleGroup)) {
    add(`groups/${group}`, group in found.groups ? "exists" : "missing", "exists");
    for (const user of found.groups[group] ?? []) {
      const meant = wanted.members.some((one) => one.user === user && roleGroup[one.role] === group);
      add(`members/${user}`, `in ${group}`, meant ? `in ${group}` : `not in ${group}`);
    }
  }
  for (const { user, role, sshKeys } of wanted.members) {
    const group = roleGroup[role];
    if (!found.users.includes(user)) add(`members/${user}`, "no such user", "exists");
    else
      add(
        `members/${user}`,
        found.groups[group]?.includes(user) ? `in ${group}` : `not in ${group}`,
        `in ${group}`,
      );
    for (const key of sshKeys) {
      add(
        `members/${user}/sshKeys`,
        found.keys.includes(`${user} ${key}`) ? "there" : `missing: ${short(key)}`,
        "there",
      );
    }
  }
  add("sudo", found.sudoInstalled ? "installed" : "not installed", "installed");
  add("sudoers", found.sudoersSha256, createHash("sha256").update(rules(wanted)).digest("hex"));
  add("sudoers/mode", found.sudoersMode, "440 root:root");
  for (const { path, mode, group } of directories(wanted)) {
    add(path, found.directories[path] ?? "missing", `${mode} root:${group}`);
  }
  return changes;
}

function short(key: string): string {
  return `${key.slice(0, 24)}…`;
}

function refuse(wanted: Inputs, _found: Facts): Refusal[] {
  return wanted.members
    .filter((one) => one.user === wanted.connectionUser)
    .map((one) => ({
      path: `members/${one.user}`,
      found: `${one.user}, the user racksmith connects with`,
      wanted: "a person's own account",
      remedy:
        "leave the connection's user out of the roles: it keeps its own access, and a role could be taken away again",
    }));
}
