import type { Change } from "../../noun.ts";
import type { DriverFacts } from "./facts.ts";
import type { DriverInputs } from "./plan.ts";

/** What nvidia-smi says of one card. `undefined`: the card has no such setting. */
export interface Card {
  bus: string;
  persistence: boolean | undefined;
  powerLimitWatts: number | undefined;
  maxPowerLimitWatts: number | undefined;
  ecc: { current: boolean; pending: boolean } | undefined;
  mig: { current: boolean; pending: boolean } | undefined;
}

/** Reads the fields that observe.sh asks for, `--format=csv,noheader,nounits`; `[N/A]` and `[Not Supported]` are absent. */
export function cardOf(line: string): Card {
  const [bus = "", persistence, power, maxPower, ecc, eccPending, mig, migPending] = line
    .split(",")
    .map((field) => field.trim());
  return {
    bus,
    persistence: enabled(persistence),
    powerLimitWatts: watts(power),
    maxPowerLimitWatts: watts(maxPower),
    ecc: pair(ecc, eccPending),
    mig: pair(mig, migPending),
  };
}

/** Settings that no reboot keeps: a unit sets them again at every boot. "" where there are none. */
export function settingsUnit(inputs: DriverInputs): string {
  const commands = settingCommands(inputs);
  if (commands.length === 0) return "";
  return `[Unit]
Description=racksmith: GPU settings
After=nvidia-persistenced.service nvidia-fabricmanager.service systemd-modules-load.service
Wants=nvidia-persistenced.service

[Service]
Type=oneshot
RemainAfterExit=yes
${commands.map((command) => `ExecStart=/usr/bin/nvidia-smi ${command}\n`).join("")}
[Install]
WantedBy=multi-user.target
`;
}

/** nvidia-smi's arguments for what takes effect at once. */
export function settingCommands({ persistence, powerLimitWatts, lockClocksMHz }: DriverInputs): string[] {
  return [
    `-pm ${persistence ? 1 : 0}`,
    ...(powerLimitWatts === undefined ? [] : [`-pl ${powerLimitWatts}`]),
    ...(lockClocksMHz === undefined ? [] : [`-lgc ${lockClocksMHz.join(",")}`]),
  ];
}

/** Frees clocks that an earlier deployment locked. */
export function resetClocks({ lockClocksMHz }: DriverInputs, facts: DriverFacts): string[] {
  return lockClocksMHz === undefined && facts.settingsUnit.includes(" -lgc ") ? ["-rgc"] : [];
}

/** nvidia-smi's arguments for what takes effect when the card is reset; only where a card has it otherwise. */
export function resetCommands(inputs: DriverInputs, facts: DriverFacts): string[] {
  const cards = facts.gpus.map(cardOf);
  const differs = (wanted: boolean | undefined, of: (card: Card) => Card["ecc"]) =>
    wanted !== undefined &&
    cards.some((card) => of(card) && (of(card)?.current !== wanted || of(card)?.pending !== wanted));
  return [
    ...(differs(inputs.ecc, (card) => card.ecc) ? [`-e ${inputs.ecc ? 1 : 0}`] : []),
    ...(differs(inputs.mig, (card) => card.mig) ? [`-mig ${inputs.mig ? 1 : 0}`] : []),
  ];
}

export function compareSettings(inputs: DriverInputs, facts: DriverFacts): Change[] {
  return facts.gpus
    .map(cardOf)
    .flatMap((card) => [
      ...(card.persistence !== undefined && card.persistence !== inputs.persistence
        ? [change(card, "persistence", word(card.persistence), word(inputs.persistence))]
        : []),
      ...(inputs.powerLimitWatts !== undefined && card.powerLimitWatts !== inputs.powerLimitWatts
        ? [change(card, "powerLimitWatts", card.powerLimitWatts, inputs.powerLimitWatts)]
        : []),
      ...compareMode(card, "ecc", card.ecc, inputs.ecc),
      ...compareMode(card, "mig", card.mig, inputs.mig),
    ]);
}

function compareMode(card: Card, name: string, found: Card["ecc"], wanted: boolean | undefined): Change[] {
  if (wanted === undefined || found === undefined) return [];
  if (found.current === wanted && found.pending === wanted) return [];
  const pending = found.current === found.pending ? "" : `, ${word(found.pending)} after a reset`;
  return [{ ...change(card, name, `${word(found.current)}${pending}`, word(wanted)), disruption: "reboot" }];
}

function change(card: Card, name: string, found: unknown, wanted: unknown): Change {
  return { path: `gpus.${card.bus}.${name}`, found, wanted, disruption: "none" };
}

function word(on: boolean): string {
  return on ? "on" : "off";
}

function enabled(field: string | undefined): boolean | undefined {
  if (field === "Enabled") return true;
  return field === "Disabled" ? false : undefined;
}

function watts(field: string | undefined): number | undefined {
  const value = Number.parseFloat(field ?? "");
  return Number.isFinite(value) ? value : undefined;
}

function pair(current: string | undefined, pending: string | undefined): Card["ecc"] {
  const now = enabled(current);
  const later = enabled(pending);
  return now === undefined || later === undefined ? undefined : { current: now, pending: later };
}
