import { z } from "zod";

/** The three roles, each a group on the node: `racksmith-admin`, `racksmith-engineer`, `racksmith-auditor`. */
export const role = z
  .enum(["administrator", "engineer", "auditor"])
  .describe(
    "administrator runs the node, engineer runs the model, auditor reads the records and changes nothing",
  );
export type Role = z.output<typeof role>;

/** Group of a role on the node. */
export const roleGroup: Readonly<Record<Role, string>> = {
  administrator: "racksmith-admin",
  engineer: "racksmith-engineer",
  auditor: "racksmith-auditor",
};

/** A person's login name. System accounts that come with a distribution are not taken. */
const memberName = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, "must be a login name: a-z 0-9 _ -, at most 32")
  .refine(
    (name) => !["root", "daemon", "bin", "sys", "nobody", "haproxy", "systemd-network"].includes(name),
    {
      message: "is a system account",
    },
  );

/** A public key as in a `.pub` file, without options before it. */
const publicKey = z
  .string()
  .max(16_384)
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com) [A-Za-z0-9+/]+={0,3}( [A-Za-z0-9@._+-]{1,128})?$/,
    'must be a public key such as "ssh-ed25519 AAAA… name"',
  );

export const member = z.strictObject({
  user: memberName.describe("existing or created, without a password"),
  role,
  sshKeys: z
    .array(publicKey)
    .max(20)
    .default([])
    .describe("public keys to log in with, beside those the user put there"),
});

export const accessShape = {
  members: z
    .array(member)
    .max(200)
    .default([])
    .refine((members) => new Set(members.map((one) => one.user)).size === members.length, {
      message: "names a user twice: one person has one role, or the roles do not check each other",
    })
    .describe("who has which role"),
};

/** `racksmith:access`. */
export const accessConfig = z.strictObject(accessShape);
export type AccessConfig = z.output<typeof accessConfig>;
