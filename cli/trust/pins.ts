import { Document, isMap, isSeq, parseDocument, type YAMLMap, YAMLSeq } from "yaml";
import { CliError } from "../errors.ts";
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

  pinned(address: string, port: number): HostKey[] {
    const keys = this.#find(address, port)?.get("hostKeys");
    if (!isSeq(keys)) return [];
    return keys
      .toJSON()
      .filter((it: unknown) => typeof it === "string")
      .map(parseKey);
  }

  /** Pins exactly these keys for the host; adds the host, under that name, when it is not listed. */
  pin(address: string, port: number, name: string, keys: readonly HostKey[]): void {
    let host = this.#find(address, port);
    if (!host) {
      const entry = { name, address, ...(port === 22 ? {} : { port }) };
      host = this.#document.createNode(entry) as YAMLMap;
      this.#hosts(true)?.add(host);
    }
    host.set("hostKeys", this.#document.createNode(keys.map(formatKey)));
  }

  toString(): string {
    return this.#document.toString({ lineWidth: 0 });
  }

  #find(address: string, port: number): YAMLMap | undefined {
    return this.#hosts(false)
      ?.items.filter((it) => isMap(it))
      .find((it) => it.get("address") === address && (it.get("port") ?? 22) === port);
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
