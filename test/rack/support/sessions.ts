import { z } from "zod";
import type { TestNode } from "../../../rack/testing.ts";

/** One SSH connection as the node's own sshd and sudo wrote it down. */
export interface SshSession {
  /** logind's number. */
  id: string;
  /** Exec channels opened on it. */
  channels: number;
  /** It ran the racksmith provider's scripts. The docker plugin's connections do not. */
  provider: boolean;
}

const entry = z.looseObject({
  MESSAGE: z.string().optional(),
  _SYSTEMD_SESSION: z.string().optional(),
  _COMM: z.string().optional(),
});

/** The node's clock, in seconds: where `sessionsSince` begins. */
export async function clock(node: TestNode): Promise<number> {
  return Number((await node.shell("date +%s.%N")).trim());
}

/**
 * Connections that were made since then, by sshd's journal (LogLevel VERBOSE writes each channel); what ran on each by
 * sudo's, which is in the same login session.
 */
export async function sessionsSince(node: TestNode, since: number): Promise<SshSession[]> {
  const text = await node.shell(`sudo journalctl --since=@${since} --output=json --no-pager _COMM=sshd \\
    + _COMM=sshd-session + _COMM=sudo`);
  const sessions = new Map<string, SshSession>();
  for (const line of text.split("\n").filter(Boolean)) {
    const { MESSAGE = "", _SYSTEMD_SESSION: id } = entry.parse(JSON.parse(line));
    if (id === undefined) continue;
    const session = sessions.get(id) ?? { id, channels: 0, provider: false };
    sessions.set(id, session);
    if (/^Starting session: /.test(MESSAGE)) session.channels++;
    if (/COMMAND=.*\/usr\/lib\/racksmith\//.test(MESSAGE)) session.provider = true;
  }
  return [...sessions.values()];
}
