import pc from "picocolors";
import { z } from "zod";
import { CliError, messageOf } from "../errors.ts";
import { say } from "../progress.ts";
import { ask, type Stack } from "./pulumi.ts";

const outputsSchema = z.record(z.string(), z.unknown());

/** The stack's outputs; secret ones read "[secret]" unless asked for. */
export async function readOutputs(stack: Stack, secrets = false): Promise<Record<string, unknown>> {
  const text = await ask(stack, ["stack", "output", "--json", ...(secrets ? ["--show-secrets"] : [])]);
  return outputsSchema.parse(JSON.parse(text));
}

/** Prints outputs that are plain values, the endpoint first. */
export async function printOutputs(stack: Stack): Promise<void> {
  const outputs = Object.entries(await readOutputs(stack));
  const first = ([name]: [string, unknown]) => (name.startsWith("endpoint") ? 0 : 1);
  for (const [name, value] of outputs.sort((a, b) => first(a) - first(b))) {
    say(`  ${pc.bold(name)}  ${typeof value === "string" ? value : JSON.stringify(value)}`);
  }
}

const served = z
  .union([z.string(), z.array(z.string()), z.record(z.string(), z.string())])
  .transform(firstText);
const models = z.object({ data: z.array(z.object({ id: z.string() })).min(1) });
const completion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});

function firstText(value: string | string[] | Record<string, string>): string | undefined {
  return typeof value === "string" ? value : Object.values(value)[0];
}

/** Where the endpoint is reached from here; the rack forwards its nodes' ports. */
export type ReachedAs = (endpoint: string) => string | Promise<string>;

/**
 * Fetches one chat completion with the stack's key and prints it. The key comes from the engine's stdout and
 * goes into a request header: never on a command line, never printed.
 */
export async function showCompletion(
  stack: Stack,
  reachedAs: ReachedAs = (endpoint) => endpoint,
): Promise<void> {
  const outputs = await readOutputs(stack, true);
  const endpoint = served.safeParse(outputs.endpoint ?? outputs.endpoints).data;
  const key = served.safeParse(outputs.apiKey ?? outputs.apiKeys).data;
  if (!endpoint) throw new CliError(`${stack.name}: the stack has no output "endpoint" to ask`);
  const base = (await reachedAs(endpoint)).replace(/\/+$/, "").replace(/\/v1$/, "");
  const model = models.parse(await request(`${base}/v1/models`, key)).data[0]?.id;
  const prompt = "Say hello to the person who has just set you up.";
  const answer = completion.parse(
    await request(`${base}/v1/chat/completions`, key, {
      model,
      messages: [{ role: "user", content: prompt }],
      max_tokens: 32,
    }),
  );
  say(`  ${pc.bold("asked")}     ${prompt}`);
  say(`  ${pc.bold("answered")}  ${JSON.stringify(answer.choices[0]?.message.content)} (${model}, ${base})`);
}

async function request(url: string, key: string | undefined, body?: object): Promise<unknown> {
  const headers = {
    ...(key ? { authorization: `Bearer ${key}` } : {}),
    ...(body ? { "content-type": "application/json" } : {}),
  };
  try {
    const response = await fetch(url, {
      headers,
      method: body ? "POST" : "GET",
      signal: AbortSignal.timeout(120_000),
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    if (!response.ok) throw new CliError(`${url}: HTTP ${response.status}, wanted 200`);
    return await response.json();
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(
      `${url}: ${error instanceof Error && error.cause ? messageOf(error.cause) : messageOf(error)}`,
    );
  }
}
