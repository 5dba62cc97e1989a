import { messageOf } from "../errors.ts";
import { capture, lastLines } from "../process.ts";
import { note } from "../progress.ts";
import { shellQuote } from "../quote.ts";
import {
  type Exported,
  nameOf,
  type PendingOperation,
  pendingOf,
  resourcesOf,
  type StateResource,
} from "./state.ts";

/** Only what carries this label was made by racksmith, and may be removed by it. */
export const ownLabel = "racksmith.stack";

const containerType = "docker:index/container:Container";

export interface HalfMade {
  container: string;
  /** Where its Docker is: arguments of ssh before the command. */
  ssh: string[];
}

/**
 * Containers that a killed run may have made without the state knowing their id: their names are taken, so
 * that the next `up` could not make them again.
 */
export function halfMadeContainers(state: Exported): HalfMade[] {
  const resources = resourcesOf(state);
  return pendingOf(state).flatMap((operation) => {
    const container = containerName(operation);
    if (!container) return [];
    const providerUrn = urnOfProvider(operation.resource);
    // A later run made it after all, while this was kept for a host that did not answer.
    if (resources.some((it) => isLive(it, container) && urnOfProvider(it) === providerUrn)) return [];
    const provider = resources.find((it) => it.urn === providerUrn);
    const ssh = sshArguments(provider?.inputs ?? {});
    return ssh ? [{ container, ssh }] : [];
  });
}

const urnOfProvider = ({ provider }: StateResource) => provider?.replace(/::[^:]*$/, "");

/** One that is being replaced is on its way out: its name belongs to what was being created. */
function isLive(resource: StateResource, container: string): boolean {
  const leaves = resource.delete === true || resource.pendingReplacement === true;
  return !leaves && resource.type === containerType && resource.inputs?.name === container;
}

function containerName({ type, resource }: PendingOperation): string | undefined {
  if (type !== "creating" || resource.type !== containerType) return undefined;
  const name = resource.inputs?.name;
  return typeof name === "string" && /^[a-zA-Z0-9][\w.-]*$/.test(name) ? name : undefined;
}

/** From the docker provider's `host` (ssh://user@address:port) and `sshOpts`; undefined when it is not by SSH. */
export function sshArguments(inputs: Record<string, unknown>): string[] | undefined {
  if (typeof inputs.host !== "string" || !URL.canParse(inputs.host)) return undefined;
  const url = new URL(inputs.host);
  if (url.protocol !== "ssh:") return undefined;
  const options = stringList(inputs.sshOpts);
  if (!options) return undefined;
  const user = url.username ? ["-l", decodeURIComponent(url.username)] : [];
  const port = url.port ? ["-p", url.port] : [];
  return [...options, "-o", "BatchMode=yes", ...user, ...port, "--", url.hostname.replace(/^\[|\]$/g, "")];
}

// Provider inputs are strings on the wire: a list travels as JSON.
function stringList(value: unknown): string[] | undefined {
  const list: unknown =
    typeof value === "string" && value.startsWith("[") ? JSON.parse(value) : (value ?? []);
  return Array.isArray(list) && list.every((it) => typeof it === "string") ? list : undefined;
}

/** The command that removes the container if, and only if, it is labelled as this stack's; prints what it did. */
export function removeCommand(container: string, stack: string): string {
  const name = shellQuote(container);
  return (
    `label=$(docker inspect --type container --format '{{index .Config.Labels "${ownLabel}"}}' -- ${name} 2>/dev/null) || ` +
    // Never made, unless it is Docker that does not answer.
    `{ docker version >/dev/null; exit; }; ` +
    `if [ "$label" = ${shellQuote(stack)} ]; then docker rm -f -- ${name} >/dev/null && echo removed; else echo kept; fi`
  );
}

/** Removes them, and says what was removed. Returns those of which nothing is known, as their host did not answer. */
export async function removeHalfMade(found: readonly HalfMade[], stack: string): Promise<HalfMade[]> {
  const unreached: HalfMade[] = [];
  for (const halfMade of found) {
    const { container, ssh } = halfMade;
    const where = ssh.at(-1);
    const left = (why: string) => {
      unreached.push(halfMade);
      note(
        `${where}: a killed run may have left the container ${container} half made, and that cannot be seen to: ${why}\n` +
          `  It stays noted in the state, and the next up tries again. By hand, there: docker rm -f ${container}`,
      );
    };
    try {
      const result = await capture("ssh", [...ssh, removeCommand(container, stack)], { timeoutSeconds: 60 });
      const answer = result.stdout.trim();
      if (result.status !== 0) left(lastLines(result.stderr, 2) || `ssh ended with ${result.status}`);
      else if (answer === "removed") note(`${where}: removed the half-made container ${container}`);
      else if (answer === "kept") {
        note(
          `${where}: the container ${container} is not ours (no label ${ownLabel}=${stack}); left alone, and in the way`,
        );
      }
    } catch (error) {
      left(messageOf(error));
    }
  }
  return unreached;
}

/** One line a pending operation, for people. */
export function describePending(state: Exported): string {
  return pendingOf(state)
    .map(({ type, resource }) => `${type} ${nameOf(resource.urn)}`)
    .join(", ");
}
