import { z } from "zod";
import { hostFields, hostWiring } from "../../config/host.ts";
import { defineNoun } from "../noun.ts";
import { hostFacts } from "./host/facts.ts";
import { refuseHost } from "./host/refuse.ts";

export const hostInputs = z.object({ ...hostFields, ...hostWiring });

/** Preflight: what the machine is, and a refusal for everything that it must be and is not. Changes nothing. */
export const host = defineNoun({
  name: "host",
  inputs: hostInputs,
  facts: hostFacts,
  compare: () => [],
  refuse: refuseHost,
  forObserve: ({ ports, rootFreeGiB }) => ({ port: ports, root_free_mib: Math.ceil(rootFreeGiB * 1024) }),
  forAct: () => ({}),
});
