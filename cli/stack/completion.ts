import pc from "picocolors";
import { z } from "zod";
import { CliError, messageOf } from "../errors.ts";
import { say } from "../progress.ts";
import { ask, type Stack } from "./pulumi.ts";

const inference = z.object({
  objectValue: z.looseObject({ servedName: z.string(), apiKeys: z.record(z.string(), z.string()) }),
});
const answerSchema = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string() }) })).min(1),
});

/** What clients of the stack say: the model's name and one of its keys. */
interface Access {
  model: string;
  key: string;
}

// The engine decrypts; the key comes over a pipe and stays in memory.
async function readAccess(stack: Stack): Promise<Access> {
  const text = await ask(stack, ["config", "get", "inference", "--json", "--config-file", stack.configFile]);
  const { servedName, apiKeys } = inference.parse(JSON.parse(text)).objectValue;
  const [key] = Object.values(apiKeys);
  if (key === undefined)
    throw new CliError(`${stack.name}: racksmith:inference.apiKeys holds no key to ask with`);
  return { model: servedName, key };
}

/**
 * Asks the endpoint (an OpenAI base URL) for one chat completion with the stack's key, and prints it. The key
 * travels in a request header: never on a command line, never printed.
 */
export async function showCompletion(stack: Stack, endpoint: string): Promise<void> {
  const access = await readAccess(stack);
  const prompt = "Say hello to the person who has just set you up.";
  const answer = await complete(endpoint, access, prompt);
  say(`  ${pc.bold("asked")}     ${prompt}`);
  say(`  ${pc.bold("answered")}  ${JSON.stringify(answer)}  (${access.model} at ${endpoint})`);
}

/** One chat completion; throws with the address and what came instead. */
export async function complete(endpoint: string, { model, key }: Access, prompt: string): Promise<string> {
  const url = `${endpoint.replace(/\/+$/, "")}/chat/completions`;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ model, messages: [{ role: "user", content: prompt }], max_tokens: 32 }),
      signal: AbortSignal.timeout(120_000),
    });
    if (!response.ok) throw new CliError(`HTTP ${response.status}, wanted 200`);
    const [choice] = answerSchema.parse(await response.json()).choices;
    return choice?.message.content ?? "";
  } catch (error) {
    const cause = error instanceof Error && error.cause ? error.cause : error;
    throw new CliError(`${url}: no completion: ${messageOf(cause)}`);
  }
}
