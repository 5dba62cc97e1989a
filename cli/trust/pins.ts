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

/** A machine that the configuration names: a host, or one that hosts are reached through. */
interface Entry {
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
   */
  check(address: string, port: number, name: string | undefined): void {
    const entries = this.#entries();
    if (entries.length === 0 || this.#find(address, port).length > 0) return;
    const taken = entries.find((it) => it.what === name);
    if (name !== undefined && taken === undefined) return;
    const listed = entries.map(({ what, map }) => `${what} at ${map.get("address")}:${portOf(map)}`);
    throw new CliError(
      `${address}:${port}: ${this.#file} does not list it; nothing was pinned. Listed: ${[...new Set(listed)].join(", ")}.\n` +
        (taken === undefined
          ? "Give the address and --port as they stand there, or --name NAME to add a new host of that name."
          : `${name} has that other address: correct it in the file, or take another --name.`),
      exitCodes.refused,
    );
  }

  /** Every key pinned for it; one that several hosts pass through may be listed more than once. */
  pinned(address: string, port: number): HostKey[] {
    return unique(this.#find(address, port).flatMap(({ map }) => keysOf(map)));
  }

  /** Listed more than once, and not pinned alike everywhere. */
  uneven(address: string, port: number): boolean {
    const all = this.pinned(address, port).length;
    return this.#find(address, port).some(({ map }) => unique(keysOf(map)).length < all);
  }

  /** What is passed on the way to it, nearest first, as the file says. */
  through(address: string, port: number): unknown[] {
    const [first] = this.#find(address, port);
    return first?.through.map((map) => map.toJS(this.#document)) ?? [];
  }

  /** Pins exactly these keys wherever it is listed; adds a host, under that name, when it is nowhere. */
  pin(address: string, port: number, name: string, keys: readonly HostKey[]): void {
    const maps = this.#find(address, port).map(({ map }) => map);
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

  #find(address: string, port: number): Entry[] {
    return this.#entries().filter(({ map }) => map.get("address") === address && portOf(map) === port);
  }

  #entries(): Entry[] {
    return this.#maps(this.#hosts(false)).flatMap((host) => {
      const name = String(host.get("name") ?? "a host without name");
      const jump = host.get("jump", true);
      const jumps = this.#maps(isSeq(this.#resolved(jump)) ? this.#resolved(jump) : { items: [jump] });
      return [
        ...jumps.map((map, at) => ({ what: `jump of ${name}`, map, through: jumps.slice(0, at) })),
        { what: name, map: host, through: jumps },
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
