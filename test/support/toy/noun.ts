import { z } from "zod";
import { type Change, defineNoun } from "../../../provider/noun.ts";

/** A text file with a name: the smallest thing with state on a host. */
export const toy = defineNoun({
  name: "toy",
  inputs: z.object({
    name: z.string().regex(/^[a-z0-9-]+$/, "must be lower-case letters, digits and dashes"),
    text: z.string(),
    /** Tenths of a second an apply takes. */
    slow: z.int().min(0).max(600).default(0),
    broken: z.enum(["", "fail", "lie", "reboot"]).default(""),
    password: z.string().optional(),
    tags: z.array(z.string()).default([]),
  }),
  facts: z.object({ present: z.boolean(), text: z.string() }),
  secrets: ["password"],
  triedByAct: ["password"],
  replaceOn: ["name"],
  compare(inputs, facts): Change[] {
    if (facts.present && facts.text === inputs.text) return [];
    return [
      {
        path: "text",
        found: facts.present ? facts.text : undefined,
        wanted: inputs.text,
        disruption: "reload",
      },
    ];
  },
  refuse: (inputs) =>
    inputs.text === "forbidden"
      ? [{ path: "text", found: inputs.text, wanted: "another text", remedy: "choose one" }]
      : [],
  forObserve: ({ name }) => ({ name }),
  forAct: ({ name, text, slow, broken, password }) => ({
    name,
    text,
    slow,
    broken,
    password: password ?? "",
  }),
});
