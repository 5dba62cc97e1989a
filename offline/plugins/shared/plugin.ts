import { toWire, UNKNOWN, type WireObject } from "../../../provider/server/codec.ts";
import type { PluginFactory, ResourceRequest } from "../../../provider/server/handlers.ts";
import { plain, rewrap, sealed } from "../../../provider/server/plain.ts";
import { checkFailures, diffInputs, type Fields, type PluginResource } from "./resource.ts";

export interface PluginDefinition {
  name: string;
  version: string;
  /** By type token. */
  // biome-ignore lint/suspicious/noExplicitAny: resources of one plugin have different inputs
  resources: Record<string, PluginResource<any>>;
  close?(): void;
}

/** The handlers of an offline plugin: everything that is the same for all its resources. */
export function pluginFactory(definition: PluginDefinition): PluginFactory {
  return (log) => {
    let config: Fields = {};
    const of = (request: ResourceRequest) => {
      const resource = definition.resources[request.type];
      if (!resource)
        throw new Error(
          `${request.type} is not in the offline edition of the ${definition.name} plugin (see offline/plugins/README.md); install the official plugin to use it`,
        );
      return { resource, context: { log, config, request } };
    };
    return {
      name: definition.name,
      version: definition.version,
      configure: (given) => {
        config = plain(given).props;
      },
      async check(request, _olds, news) {
        const { resource } = of(request);
        const { props, unknown } = plain(news);
        if (unknown.length > 0) return { inputs: news, failures: [] };
        const parsed = resource.inputs.safeParse(withoutInternals(props));
        if (!parsed.success) return { inputs: news, failures: checkFailures(parsed.error) };
        return { inputs: asWireObject(parsed.data, news), failures: [] };
      },
      async diff(request, _id, olds, news, oldInputs) {
        const { resource } = of(request);
        const detailed = diffInputs(resource, plain(news).props, plain(olds).props, plain(oldInputs).props);
        return { detailed, deleteBeforeReplace: resource.deleteBeforeReplace ?? false };
      },
      async create(request, inputs) {
        const { resource, context } = of(request);
        if (request.preview) return { id: "", outputs: previewed(resource, inputs, inputs) };
        const made = await resource.create(resource.inputs.parse(plain(inputs).props), context);
        return { id: made.id, outputs: outputsOf(resource, made.outputs, inputs) };
      },
      async read(request, id, state, inputs) {
        const { resource, context } = of(request);
        const found = await resource.read(id, plain(state).props, context);
        return found && { id: found.id, inputs, outputs: outputsOf(resource, found.outputs, state) };
      },
      async update(request, id, olds, news) {
        const { resource, context } = of(request);
        if (request.preview) return previewed(resource, news, { ...olds, ...news });
        const inputs = resource.inputs.parse(plain(news).props);
        return outputsOf(resource, await resource.update(id, inputs, plain(olds).props, context), news);
      },
      async delete(request, id, state) {
        const { resource, context } = of(request);
        await resource.delete(id, plain(state).props, context);
      },
      cancel: () => definition.close?.(),
    };
  };
}

function previewed(resource: PluginResource<unknown>, inputs: WireObject, outputs: WireObject): WireObject {
  const unknown = Object.fromEntries(
    resource.unknownInPreview.filter((key) => !(key in inputs)).map((key) => [key, UNKNOWN]),
  );
  return sealed({ ...outputs, ...unknown }, resource.secrets ?? []);
}

/** Outputs as they go back: secret where the sender had a secret, and where the resource always has one. */
function outputsOf(resource: PluginResource<unknown>, outputs: Fields, sent: WireObject): WireObject {
  return sealed(asWireObject(outputs, sent), resource.secrets ?? []);
}

function asWireObject(fields: Fields, sent: WireObject): WireObject {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      value === undefined ? null : rewrap(value, sent[key] ?? toWire(null)),
    ]),
  );
}

/** The SDK adds keys of its own, such as `__defaults`, which are none of the resource's. */
function withoutInternals(values: Fields): Fields {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !key.startsWith("__")));
}
