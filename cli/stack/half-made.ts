import { messageOf } from "../errors.ts";
import { capture, lastLines } from "../process.ts";
import { note } from "../progress.ts";
import { shellQuote } from "../quote.ts";
import { type Exported, nameOf, type PendingOperation, pendingOf, resourcesOf } from "./state.ts";

/** Only what carries this label was made by racksmith, and may be removed by it. */
export const ownLabel = "racksmith.stack";

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
    const providerUrn = operation.resource.provider?.replace(/::[^:]*$/, "");
    const provider = resources.find((it) => it.urn === providerUrn);
    const ssh = sshArguments(provider?.inputs ?? {});
    return ssh ? [{ container, ssh }] : [];
  });
}

function containerName({ type, resource }: PendingOperation): string | undefined {
  if (type !== "creating" || resource.type !== "docker:index/container:Container") return undefined;
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
    `label=$(docker inspect --type container --format '{{index .Config.Labels "${ownLabel}"}}' -- ${name} 2>/dev/null) || exit 0; ` +
    `if [ "$label" = ${shellQuote(stack)} ]; then docker rm -f -- ${name} >/dev/null && echo removed; else echo kept; fi`
  );
}

/** Removes them, and says what was removed. A host that does not answer is left to the run that follows. */
export async function removeHalfMade(found: readonly HalfMade[], stack: string): Promise<void> {
  for (const { container, ssh } of found) {
    const where = ssh.at(-1);
    try {
      const result = await capture("ssh", [...ssh, removeCommand(container, stack)], { timeoutSeconds: 60 });
      const answer = result.stdout.trim();
      if (result.status !== 0)
        note(`${where}: half-made container ${container}: ${lastLines(result.stderr, 2)}`);
      else if (answer === "removed") note(`${where}: removed the half-made container ${container}`);
      else if (answer === "kept") {
        note(
          `${where}: the container ${container} is not ours (no label ${ownLabel}=${stack}); left alone, and in the way`,
        );
      }
    } catch (error) {
      note(`${where}: half-made container ${container}: ${messageOf(error)}`);
    }
  }
}

/** One line a pending operation, for people. */
export function describePending(state: Exported): string {
  return pendingOf(state)
    .map(({ type, resource }) => `${type} ${nameOf(resource.urn)}`)
    .join(", ");
}
