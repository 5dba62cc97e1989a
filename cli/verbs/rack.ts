import { Command } from "commander";
import { loadRack } from "../rack.ts";

export function rackVerb(): Command {
  return new Command("rack")
    .description("virtual servers to try things on: up, down, ssh, status, power-cut, console and more")
    .argument(
      "<command>",
      "up | down | reset | ssh | status | power-cut | unplug | console | stop-services | help",
    )
    .argument("[arguments...]", "the node's name (entry-4090), and for ssh a command after --")
    .passThroughOptions()
    .addHelpText(
      "after",
      `
Commands:
  up, down, reset    boot a node; shut it down; throw its disks and TPM away
  ssh, console       a shell or one command; its serial console
  power-cut, unplug  cut the power and boot again; cut it and leave it off
  status             what runs, and where it answers
  stop-services      end the package repository and the image registry

Nodes are real Debian servers in QEMU: real RAID, disk encryption, Docker and reboots; only the GPU is simulated.

Examples:
  $ ./racksmith rack up entry-4090
  $ ./racksmith rack ssh entry-4090 -- mdadm --detail /dev/md/racksmith
  $ ./racksmith rack power-cut entry-4090
  $ ./racksmith rack down entry-4090`,
    )
    .action(async (command: string, args: string[]) => {
      const rack = await loadRack();
      process.exitCode = await rack.rackCommand([command, ...args]);
    });
}
