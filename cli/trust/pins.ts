import { Document, isAlias, isMap, isSeq, parseDocument, type YAMLMap, YAMLSeq } from "yaml";
import { CliError, exitCodes } from "../errors.ts";
import { formatKey, type HostKey, parseKey } from "./scan.ts";

export interface Comparison {
  /** Kinds pinned before, offered now with another key: an attack, or a reinstalled server. */
  changed: { pinned: HostKey; offered: HostKey }[];
  /** Offered now and not pinned. */
  added: HostKey[];
  same: HostKey[];
}

/** Compares what is pinned with what the server offers, kind by kind. */
export function compareKeys(pinned: readonly HostKey[], offered: readonly HostKey[]): Comparison {
  const result: Comparison = { changed: [], added: [], same: [] };
  for (const key of offered) {
    const ofKind = pinned.filter((it) => it.type === key.type);
    const first = ofKind[0];
    if (ofKind.some((it) => it.base64 === key.base64)) result.same.push(key);
    else if (first) result.changed.push({ pinned: first, offered: key });
    else result.added.push(key);
  }
  return result;
}

/** Which machine is meant: an address, and where several have it the name of a host in the file. */
export interface Place {
  address: string;
  port: number;
  name?: string | undefined;
}

/** A machine that the configuration names: a host, or one that hosts are reached through. */
interface Entry {
  /** The host's name: its own, or of the one that is reached through it. */
  host: string;
  /** `gpu-1`, `jump of gpu-1`. */
  what: string;
  map: YAMLMap;
  /** What is passed before it, nearest first. */
  through: YAMLMap[];
}

/** A stack's configuration file, changed in place with comments and order kept. */
export class PinFile {
  readonly #document: Document;
  readonly #file: string;

  /** `text` is the file's content, "" for a new one. Throws when it is not YAML or not in Pulumi's form. */
  constructor(file: string, text: string) {
    this.#file = file;
    this.#document = text.trim() === "" ? new Document({}) : parseDocument(text);
    const [error] = this.#document.errors;
    if (error) throw new CliError(`${file}: not YAML: ${error.message}`);
    if (!isMap(this.#document.contents)) throw new CliError(`${file}: wanted a mapping with "config"`);
  }

  /**
   * Refuses an address that is not listed while others are, because it may be a jump host or another spelling of
   * one that is: a host must be meant. With `name` it may be added, unless that name has another address.
   * Refuses one that is listed behind different jumps too: a private address may be another machine there.
   */
  check(place: Place): void {
    const { address, port, name } = place;
    const entries = this.#entries();
    const found = this.#find(place);
    if (new Set(found.map(wayOf)).size > 1) throw this.#ambiguous(place, found);
    const taken = entries.find((it) => it.host === name);
    const isNew = name !== undefined && taken === undefined;
    if (entries.length === 0 || isNew || (found.length > 0 && isMeant(found, name))) return;
    const listed = entries.map(({ what, map }) => `${what} at ${map.get("address")}:${portOf(map)}`);
    throw new CliError(
      `${address}:${port}: ${this.#file} does not list it${found.length > 0 ? ` as ${name}` : ""}; nothing was pinned. Listed: ${[...new Set(listed)].join(", ")}.\n` +
        (taken === undefined
          ? "Give the address and --port as they stand there, or --name NAME to add a new host of that name."
          : `${name} has that other address: correct it in the file, or take another --name.`),
      exitCodes.refused,
    );
  }

  #ambiguous({ address, port }: Place, found: readonly Entry[]): CliError {
    const listed = found.map((it) => `${it.what} ${wayOf(it) || "directly"}`);
    return new CliError(
      `${address}:${port}: ${this.#file} lists it behind different jumps, where it may be different machines; nothing was ` +
        `pinned: ${[...new Set(listed)].join(", ")}.\nSay which is meant: --name ${found[0]?.host}`,
      exitCodes.refused,
    );
  }

  /** Every key pinned for it; one that several hosts pass through may be listed more than once. */
  pinned(place: Place): HostKey[] {
    return unique(this.#find(place).flatMap(({ map }) => keysOf(map)));
  }

  /** Listed more than once, and not pinned alike everywhere. */
  uneven(place: Place): boolean {
    const all = this.pinned(place).length;
    return this.#find(place).some(({ map }) => unique(keysOf(map)).length < all);
  }

  /** What is passed on the way to it, nearest first, as the file says. */
  through(place: Place): unknown[] {
    const [first] = this.#find(place);
    return first?.through.map((map) => map.toJS(this.#document)) ?? [];
  }

  /** Pins exactly these keys wherever it is listed; adds a host, under its name or address, when it is nowhere. */
  pin(place: Place, keys: readonly HostKey[]): void {
    const { address, port, name = address } = place;
    const maps = this.#find(place).map(({ map }) => map);
    if (maps.length === 0) {
      const entry = { name, address, ...(port === 22 ? {} : { port }) };
      const host = this.#document.createNode(entry) as YAMLMap;
      this.#hosts(true)?.add(host);
      maps.push(host);
    }
    for (const map of maps) map.set("hostKeys", this.#document.createNode(keys.map(formatKey)));
  }

  toString(): string {
    return this.#document.toString({ lineWidth: 0 });
  }

  /** Wherever it is listed; where a name says which is meant, only where the same way leads. */
  #find({ address, port, name }: Place): Entry[] {
    const listed = this.#entries().filter(
      ({ map }) => map.get("address") === address && portOf(map) === port,
    );
    const meant = listed.find((it) => it.what === name) ?? listed.find((it) => it.host === name);
    return meant === undefined ? listed : listed.filter((it) => wayOf(it) === wayOf(meant));
  }

  #entries(): Entry[] {
    return this.#maps(this.#hosts(false)).flatMap((host) => {
      const name = String(host.get("name") ?? "a host without name");
      const jump = host.get("jump", true);
      const jumps = this.#maps(isSeq(this.#resolved(jump)) ? this.#resolved(jump) : { items: [jump] });
      return [
        ...jumps.map((map, at) => ({
          host: name,
          what: `jump of ${name}`,
          map,
          through: jumps.slice(0, at),
        })),
        { host: name, what: name, map: host, through: jumps },
      ];
    });
  }

  #maps(list: unknown): YAMLMap[] {
    const items: unknown[] =
      typeof list === "object" && list !== null && "items" in list && Array.isArray(list.items)
        ? list.items
        : [];
    return items.map((it) => this.#resolved(it)).filter((it) => isMap(it));
  }

  #resolved(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }

  #hosts(make: boolean): YAMLSeq | undefined {
    const path = ["config", "racksmith:hosts"];
    const found = this.#document.getIn(path);
    if (isSeq(found)) return found;
    if (found !== undefined && found !== null) {
      throw new CliError(`${this.#file}: config.racksmith:hosts: wanted a list of hosts`);
    }
    if (!make) return undefined;
    const fresh = new YAMLSeq(this.#document.schema);
    if (!this.#document.has("config")) this.#document.set("config", this.#document.createNode({}));
    this.#document.setIn(path, fresh);
    return fresh;
  }
}

/** `through 10.0.0.1:22, 10.0.0.2:22`; empty for one that is reached directly. */
function wayOf({ through }: Entry): string {
  const passed = through.map((map) => `${map.get("address")}:${portOf(map)}`);
  return passed.length === 0 ? "" : `through ${passed.join(", ")}`;
}

function isMeant(found: readonly Entry[], name: string | undefined): boolean {
  return name === undefined || found.some((it) => it.host === name);
}

function portOf(map: YAMLMap): unknown {
  return map.get("port") ?? 22;
}

function keysOf(map: YAMLMap): HostKey[] {
  const keys = map.get("hostKeys");
  if (!isSeq(keys)) return [];
  return keys
    .toJSON()
    .filter((it: unknown) => typeof it === "string")
    .map(parseKey);
}

function unique(keys: readonly HostKey[]): HostKey[] {
  return [...new Map(keys.map((key) => [formatKey(key), key])).values()];
}
