import { fileURLToPath } from "node:url";
import { raid } from "../../provider/resources/raid.ts";
import { inRoom, lastJson, type Said } from "./node-room.ts";

const room = fileURLToPath(new URL("raid-tools/room.sh", import.meta.url));

export const want = (more: Record<string, unknown> = {}) =>
  raid.inputs.parse({ members: ["SA", "SB"], ...more });
type Wanted = ReturnType<typeof want>;

/**
 * Runs `steps` on a node with disks SA, SB and SC, on which raid's scripts find all that they need but the md driver;
 * see raid-tools/. `run raid/VERB act` is an act with `wanted`, `run raid/observe look` observes for it.
 */
export function onRaidNode(steps: string, wanted: Wanted = want()): Said {
  const facts = raid.facts.parse({
    array: null,
    disks: [],
    creatingUuid: "",
    configured: false,
    initramfsDue: false,
    webhook: false,
  });
  return inRoom(`. "${room}"\n${steps}`, { act: raid.forAct(wanted, facts), look: raid.forObserve(wanted) });
}

/** What observe says after `steps`, and what the provider makes of it. */
export function judged(steps: string, wanted: Wanted = want()) {
  const facts = raid.facts.parse(lastJson(onRaidNode(`${steps}\nrun raid/observe look`, wanted)));
  return { facts, changes: raid.compare(wanted, facts), refusals: raid.refuse?.(wanted, facts) ?? [] };
}
