/** Answers /v1/completions and /v1/chat/completions, whole or as server-sent events. */
import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Engine, Usage } from "./engine.ts";
import { type Common, readCommon, readJson, readMessages, readPrompt } from "./request.ts";

/** What differs between the two endpoints. */
interface Shape {
  idPrefix: string;
  object: string;
  chunkObject: string;
  whole(text: string): Record<string, unknown>;
  opening?: Record<string, unknown>;
  piece(text: string): Record<string, unknown>;
  closing: Record<string, unknown>;
}

const CHAT: Shape = {
  idPrefix: "chatcmpl-",
  object: "chat.completion",
  chunkObject: "chat.completion.chunk",
  whole: (content) => ({ message: { role: "assistant", content } }),
  opening: { delta: { role: "assistant", content: null } },
  piece: (content) => ({ delta: { content } }),
  closing: { delta: {} },
};
const TEXT: Shape = {
  idPrefix: "cmpl-",
  object: "text_completion",
  chunkObject: "text_completion",
  whole: (text) => ({ text, logprobs: null }),
  piece: (text) => ({ text, logprobs: null }),
  closing: { text: "", logprobs: null },
};

const usageOf = (usage: Usage): Record<string, number> => ({
  completion_tokens: usage.completionTokens,
  prompt_tokens: usage.promptTokens,
  total_tokens: usage.promptTokens + usage.completionTokens,
});

export async function complete(
  engine: Engine,
  alias: string,
  kind: "chat" | "text",
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readJson(request);
  const options = readCommon(body);
  const prompt = kind === "chat" ? engine.chatPrompt(readMessages(body)) : readPrompt(body);
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const pieces = engine.generate(prompt, { ...options, signal: gone.signal });
  const shape = kind === "chat" ? CHAT : TEXT;
  const base = {
    id: `${shape.idPrefix}${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: alias,
  };
  if (options.stream) await stream(pieces, shape, base, options, response);
  else await whole(pieces, shape, base, response);
}

async function whole(
  pieces: AsyncGenerator<string, Usage>,
  shape: Shape,
  base: Record<string, unknown>,
  response: ServerResponse,
): Promise<void> {
  let text = "";
  let next = await pieces.next();
  for (; next.done !== true; next = await pieces.next()) text += next.value;
  const usage = next.value;
  const choice = { index: 0, finish_reason: usage.finish, ...shape.whole(text) };
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ ...base, object: shape.object, choices: [choice], usage: usageOf(usage) }));
}

async function stream(
  pieces: AsyncGenerator<string, Usage>,
  shape: Shape,
  base: Record<string, unknown>,
  options: Common,
  response: ServerResponse,
): Promise<void> {
  const event = (fields: Record<string, unknown>): void => {
    response.write(`data: ${JSON.stringify({ ...base, object: shape.chunkObject, ...fields })}\n\n`);
  };
  const choice = (fields: Record<string, unknown>, finish: string | null = null): void =>
    event({ choices: [{ index: 0, finish_reason: finish, ...fields }] });
  // Headers go out with the first token, so that a prompt which does not fit is still a proper 400.
  let next = await pieces.next();
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
  if (shape.opening !== undefined) choice(shape.opening);
  for (; next.done !== true; next = await pieces.next()) choice(shape.piece(next.value));
  choice(shape.closing, next.value.finish);
  if (options.includeUsage) event({ choices: [], usage: usageOf(next.value) });
  response.end("data: [DONE]\n\n");
}
