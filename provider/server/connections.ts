import { z } from "zod";
import { type Connection, connectionSchema } from "../../config/connection.ts";
import { hostEntries, splitHost } from "../../config/hosts.ts";
import { pulumiValues } from "../../config/pulumi-values.ts";

/**
 * How hosts are reached now, by name. What the state recorded of a resource that goes may be out of date: its host's
 * key was pinned anew, or its user or key rotated.
 */
export class Connections {
  readonly #config: string | undefined;
  readonly #given = new Map<string, Connection>();
  #configured: ReadonlyMap<string, Connection> | undefined;

  /**
   * @param config the stack's `racksmith:` values as JSON, which the engine puts into a provider's environment for
   * every operation: also for `destroy`, which runs no program
   */
  constructor(config = process.env.PULUMI_CONFIG) {
    this.#config = config;
  }

  /** Remembers what the program gives; what is not known yet, or is no connection, is passed over. */
  give(connection: unknown): void {
    const parsed = connectionSchema.safeParse(connection);
    if (parsed.success) this.#given.set(parsed.data.name, parsed.data);
  }

  /** As the program gave it, else as the configuration has it; as recorded for a host that is in neither. */
  now(recorded: Connection): Connection {
    this.#configured ??= connectionsOf(this.#config);
    return this.#given.get(recorded.name) ?? this.#configured.get(recorded.name) ?? recorded;
  }
}

const packageConfig = z
  .string()
  .transform((text, context) => {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      context.addIssue("not JSON");
      return z.NEVER;
    }
  })
  .pipe(z.looseObject({ hosts: z.string() }));

/** Of a configuration that is wrong elsewhere too: a host that cannot be read is passed over. */
function connectionsOf(config: string | undefined): ReadonlyMap<string, Connection> {
  const parsed = packageConfig.safeParse(config);
  if (!parsed.success) return new Map();
  const { hosts } = pulumiValues({ "racksmith:hosts": parsed.data.hosts }, "racksmith");
  return new Map(
    hostEntries(hosts).flatMap((entry) => {
      const { success, data } = connectionSchema.safeParse(splitHost(entry).connection);
      return success ? [[data.name, data] as const] : [];
    }),
  );
}
