import { connectionSchema } from "./connection.ts";
import { hostOwn } from "./hosts.ts";
import { jsonSchemaOf, type SchemaNode } from "./schema-tree.ts";
import { type SectionName, sections } from "./sections.ts";
import { tierName } from "./tier.ts";

const sectionTitles: Readonly<Record<string, string>> = {
  host: "what a machine must be before it is touched",
  baseline: "time, kernel settings, memory, swap, firewall",
  driver: "GPU driver, CUDA, cuDNN, fabric manager: exact versions",
  raid: "one md array over disks named by serial",
  vault: "the SM4 volume that holds the weights",
  weights: "which model is on the vault, and where it comes from",
  docker: "the Docker engine and the NVIDIA container toolkit",
  inference: "engine, model, limits, gateway and API keys",
  monitoring: "Prometheus, Alertmanager and exporters",
  access: "the three roles",
  files: "small configuration files of your own",
  hooks: "your own commands around a deployment",
};

/** JSON Schema of a whole `Pulumi.<stack>.yaml`, for editors. Keys of other projects are left alone. */
export function stackFileSchema(): SchemaNode {
  const names = Object.keys(sections) as SectionName[];
  const definitions = Object.fromEntries(names.map((name) => [name, section(name)]));
  const own = Object.fromEntries(names.map((name) => [name, { $ref: `#/definitions/${name}` }]));
  const connection = secretsInFile(jsonSchemaOf(connectionSchema));
  const host = {
    ...connection,
    properties: { ...connection.properties, ...jsonSchemaOf(hostOwn).properties, ...own },
  };
  const named = Object.entries(own).map(([name, schema]) => [`racksmith:${name}`, schema]);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "racksmith stack",
    type: "object",
    definitions,
    properties: {
      config: {
        type: "object",
        properties: {
          "racksmith:tier": plain(jsonSchemaOf(tierName)),
          "racksmith:hosts": {
            type: "array",
            minItems: 1,
            items: host,
            description: "the machines; any section may be repeated inside a host with what differs there",
          },
          ...Object.fromEntries(named),
        },
        required: ["racksmith:tier", "racksmith:hosts"],
        patternProperties: { "^(?!racksmith:)": true },
        additionalProperties: false,
      },
    },
  };
}

/** A section as a user may write it: nothing is required, since the tier or the host may give it. */
function section(name: SectionName): SchemaNode {
  const schema = optionalThroughout(secretsInFile(jsonSchemaOf(sections[name])));
  return { description: sectionTitles[name] ?? name, ...schema };
}

/** Takes `required` off an object and the objects inside it; entries of lists and of variants stay whole. */
function optionalThroughout(node: SchemaNode): SchemaNode {
  const { required: _, ...rest } = plain(node);
  if (rest.properties === undefined) return rest;
  const properties = Object.entries(rest.properties).map(([key, value]) => [key, optionalThroughout(value)]);
  return { ...rest, properties: Object.fromEntries(properties) };
}

/** Every secret may also be what `pulumi config set --secret` leaves in the file. */
function secretsInFile(node: SchemaNode): SchemaNode {
  const { writeOnly, ...rest } = plain(node);
  if (writeOnly) {
    const { description, ...text } = rest;
    const encrypted = {
      type: "object",
      properties: { secure: { type: "string" } },
      required: ["secure"],
      additionalProperties: false,
    };
    return { anyOf: [encrypted, text], ...(description !== undefined && { description }) };
  }
  return mapChildren(rest, secretsInFile);
}

function mapChildren(node: SchemaNode, change: (child: SchemaNode) => SchemaNode): SchemaNode {
  const copy = { ...node };
  if (copy.properties) {
    copy.properties = Object.fromEntries(
      Object.entries(copy.properties).map(([key, value]) => [key, change(value)]),
    );
  }
  if (copy.items) copy.items = change(copy.items);
  if (typeof copy.additionalProperties === "object")
    copy.additionalProperties = change(copy.additionalProperties);
  if (copy.anyOf) copy.anyOf = copy.anyOf.map(change);
  if (copy.oneOf) copy.oneOf = copy.oneOf.map(change);
  return copy;
}

/** Without zod's own header. */
function plain(node: SchemaNode): SchemaNode {
  const { $schema: _, ...rest } = node;
  return rest;
}
