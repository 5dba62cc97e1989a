import { type Role, roleGroup } from "../../../config/access.ts";

/** Units a role may act on. Names are checked by the inputs: letters, digits and - . @ _ only. */
export interface SudoUnits {
  /** Units of the inference server. */
  engine: readonly string[];
  /** Other services an administrator may restart. */
  node: readonly string[];
}

/**
 * /etc/sudoers.d/racksmith. Every command is written out with all its arguments: a `*` in sudoers also matches
 * spaces, and a pager or an editor would be a shell. Nothing is denied, so nobody loses what another rule gives.
 */
export function sudoers(given: SudoUnits): string {
  const units = { engine: given.engine.map(withSuffix), node: given.node.map(withSuffix) };
  const commands: Record<Role, string[]> = {
    administrator: [
      ...[...units.engine, ...units.node].flatMap((unit) => [
        ...["start", "stop", "restart", "reload"].map((verb) => systemctl(verb, unit)),
        ...reading(unit),
      ]),
      "/usr/bin/systemctl reboot",
      "/usr/bin/systemctl --failed --no-pager",
      "/usr/bin/docker ps --all --no-trunc",
      "/usr/bin/docker stats --no-stream",
      "/usr/sbin/mdadm --detail --scan",
      "/usr/bin/cat /proc/mdstat",
    ],
    engineer: [...units.engine.flatMap((unit) => [systemctl("restart", unit), ...reading(unit)])],
    auditor: [
      ...[...units.engine, ...units.node].flatMap(reading),
      "/usr/bin/journalctl --no-pager --output=short-iso --identifier=sudo",
      "/usr/bin/journalctl --no-pager --output=short-iso --unit=ssh.service",
      "/usr/bin/last --fulltimes --nohostname",
    ],
  };
  const lines = Object.entries(roleGroup).flatMap(([name, group]) => {
    // An alias without commands is a syntax error; an engineer without an engine may simply do nothing.
    if (commandsOf(commands, name).length === 0) return [];
    const alias = `RACKSMITH_${name.toUpperCase()}`;
    const list = commandsOf(commands, name).map(escaped).join(", \\\n  ");
    return [`Cmnd_Alias ${alias} = \\\n  ${list}`, `%${group} ALL=(root) NOPASSWD: ${alias}`];
  });
  return `# Written by racksmith; changes are undone by the next \`racksmith up\`.\n${lines.join("\n")}\n`;
}

function commandsOf(commands: Record<string, string[]>, name: string): string[] {
  return commands[name] ?? [];
}

/** sudo compares text, so that a unit has one spelling here: with its suffix. */
function withSuffix(unit: string): string {
  return /\.(service|socket|timer|mount|target)$/.test(unit) ? unit : `${unit}.service`;
}

function systemctl(verb: string, unit: string): string {
  return `/usr/bin/systemctl ${verb} ${unit}`;
}

function reading(unit: string): string[] {
  return [
    `/usr/bin/systemctl status --no-pager ${unit}`,
    `/usr/bin/journalctl --no-pager --lines=1000 --output=short-iso --unit=${unit}`,
  ];
}

/** In sudoers `,`, `:`, `=` and `\` mean something inside a command. */
function escaped(command: string): string {
  return command.replaceAll(/[\\,:=]/g, (sign) => `\\${sign}`);
}
