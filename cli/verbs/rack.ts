import { Command } from "commander";
import { loadRack } from "../rack.ts";

export function rackVerb(): Command {
  return new Command("rack")
    .description("virtual servers to try things on: up, down, ssh, status, power-cut, console")
    .argument("<command>", "up | down | ssh | status | power-cut | console | help")
    .argument("[arguments...]", "the node's name (entry-4090), and for ssh a command after --")
    .passThroughOptions()
    .addHelpText(
      "after",
      `
Nodes are real Debian servers in QEMU: real RAID, disk encryption, Docker and reboots; only the GPU is simulated.

Examples:
  $ ./racksmith rack up entry-4090
  $ ./racksmith rack ssh entry-4090 -- mdadm --detail /dev/md/weights
  $ ./racksmith rack power-cut entry-4090
  $ ./racksmith rack down entry-4090`,
    )
    .action(async (command: string, args: string[]) => {
      const rack = await loadRack();
      process.exitCode = await rack.rackCommand([command, ...args]);
    });
}
