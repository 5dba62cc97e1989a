import type { AnyNoun, Props } from "./any-noun.ts";
import { describeChange, describeRefusal } from "./describe.ts";
import type { Change } from "./noun.ts";
import type { Report } from "./report.ts";
import { HostError } from "./ssh/errors.ts";
import type { Host } from "./ssh/host.ts";

/** A driver may need one for the kernel and one for itself. More is a loop. */
const MOST_REBOOTS = 2;

export interface Work {
  noun: AnyNoun;
  /** Names the resource on the node. */
  key: string;
  inputs: Props;
  host: Host;
  report: Report;
}

/** What is there. @throws HostError */
export async function observe({ noun, inputs, host, report }: Work): Promise<Props> {
  return noun.parseFacts(host.name, await host.observe(noun.name, noun.forObserve(inputs), report));
}

/**
 * What is there and what is to change; nothing is touched.
 * @param acted whether an act came before, for the message
 * @throws HostError, kind `refused`, for what no act may mend
 */
export async function plan(work: Work, acted = false): Promise<{ facts: Props; changes: Change[] }> {
  const facts = await observe(work);
  refuse(work, facts, acted);
  return { facts, changes: work.noun.compare(work.inputs, facts) };
}

/**
 * Observe, refuse, compare, act, observe again. Creates and updates alike. Returns the facts at the end.
 * @param onBegin called before each thing that may leave something on the host
 * @param acts even where nothing differs: for inputs that only an act can try
 */
export async function ensure(
  work: Work,
  onBegin: () => void = () => undefined,
  acts = false,
): Promise<Props> {
  const before = await plan(work);
  if (before.changes.length === 0 && !acts) return before.facts;
  // Outside the host's lock: gigabytes may travel while other resources go on.
  await sendUploads(work, before.facts, onBegin);
  return work.host.exclusively(() => converge(work, onBegin, acts));
}

async function converge(work: Work, onBegin: () => void, acts: boolean): Promise<Props> {
  const { noun, key, inputs, host, report } = work;
  let { facts, changes } = await plan(work);
  let reboots = 0;
  let again = true;
  let must = acts;
  while ((changes.length > 0 || must) && again) {
    onBegin();
    const { rebootWhy, found } = await host.act(noun.name, "apply", key, noun.forAct(inputs, facts), report);
    again = found;
    must &&= found;
    if (rebootWhy !== undefined) {
      if (reboots === MOST_REBOOTS) throw tooManyReboots(work, rebootWhy);
      reboots++;
      report.warn(`${host.name} reboots: ${rebootWhy}`);
      await host.reboot(report);
      again = true;
    }
    ({ facts, changes } = await plan(work, true));
  }
  if (changes.length > 0) throw stillDiffers(work, changes);
  return facts;
}

/** Removes it. Missing already counts as done. */
export async function remove(work: Work): Promise<void> {
  const { noun, key, inputs, host, report } = work;
  await host.exclusively(async () => {
    const facts = await observe(work);
    let found = true;
    while (found) {
      ({ found } = await host.act(noun.name, "remove", key, noun.forAct(inputs, facts), report));
    }
  });
}

async function sendUploads(
  { noun, inputs, host, report }: Work,
  facts: Props,
  onBegin: () => void,
): Promise<void> {
  for (const upload of await noun.uploads(inputs, facts)) {
    if (upload.offsetBytes >= upload.sizeBytes) continue;
    onBegin();
    await host.upload(upload, report);
  }
}

function refuse({ noun, inputs, host }: Work, facts: Props, acted: boolean): void {
  const refusals = noun.refuse(inputs, facts);
  if (refusals.length === 0) return;
  throw new HostError({
    kind: "refused",
    host: host.name,
    tried: noun.name,
    problem: [
      refusals.length === 1 ? "refused" : `refused for ${refusals.length} reasons`,
      acted ? "after its act had run" : "nothing was touched",
    ].join(", "),
    lastLines: refusals.map(describeRefusal),
  });
}

function stillDiffers({ noun, host }: Work, changes: readonly Change[]): HostError {
  return new HostError({
    kind: "still differs",
    host: host.name,
    tried: `${noun.name} apply`,
    problem: "it ended well, yet this still differs",
    lastLines: changes.map(describeChange),
    remedy: `see the act's log on the host: journalctl -u 'racksmith-act-${noun.name}-apply-*'`,
  });
}

function tooManyReboots({ noun, host }: Work, why: string): HostError {
  return new HostError({
    kind: "still differs",
    host: host.name,
    tried: `${noun.name} apply`,
    problem: `it asks for a reboot after ${MOST_REBOOTS} reboots: ${why}`,
    remedy: "something undoes it at boot; look at the host's journal",
  });
}
