/** Reads the OpenAI requests; every problem is a BadRequest that names the field. */
import type { IncomingMessage } from "node:http";
import type { Message } from "./engine.ts";

export class BadRequest extends Error {}

export interface Common {
  maxTokens?: number;
  temperature: number;
  topP?: number;
  seed?: number;
  stop: string[];
  ignoreEos: boolean;
  stream: boolean;
  includeUsage: boolean;
}

const LONGEST_BODY_BYTES = 4 * 1024 * 1024;

/** The body as a JSON object. */
export async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    const piece = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    bytes += piece.length;
    if (bytes > LONGEST_BODY_BYTES) throw new BadRequest(`body: longer than ${LONGEST_BODY_BYTES} bytes`);
    chunks.push(piece);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new BadRequest(`body: not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isObject(value)) throw new BadRequest("body: must be a JSON object");
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function optionalNumber(body: Record<string, unknown>, key: string, least: number): number | undefined {
  const value = body[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value) || value < least)
    throw new BadRequest(`${key}: must be a number from ${least}`);
  return value;
}

export function readCommon(body: Record<string, unknown>): Common {
  const stop = body.stop ?? [];
  const stops = typeof stop === "string" ? [stop] : stop;
  if (!Array.isArray(stops) || !stops.every((item) => typeof item === "string"))
    throw new BadRequest("stop: must be a string or a list of strings");
  const asked =
    optionalNumber(body, "max_completion_tokens", -1) ??
    optionalNumber(body, "max_tokens", -1) ??
    optionalNumber(body, "n_predict", -1);
  const topP = optionalNumber(body, "top_p", 0);
  const seed = optionalNumber(body, "seed", 0);
  const options = body.stream_options;
  return {
    ...(asked === undefined || asked < 0 ? {} : { maxTokens: Math.floor(asked) }),
    temperature: optionalNumber(body, "temperature", 0) ?? 0.8,
    ...(topP === undefined ? {} : { topP }),
    ...(seed === undefined ? {} : { seed }),
    stop: stops,
    ignoreEos: body.ignore_eos === true,
    stream: body.stream === true,
    includeUsage: isObject(options) && options.include_usage === true,
  };
}

export function readPrompt(body: Record<string, unknown>): string {
  const { prompt } = body;
  if (typeof prompt === "string") return prompt;
  if (Array.isArray(prompt) && prompt.length === 1 && typeof prompt[0] === "string") return prompt[0];
  throw new BadRequest("prompt: must be a string");
}

/** Content may be text or a list of text parts. */
export function readMessages(body: Record<string, unknown>): Message[] {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0)
    throw new BadRequest("messages: must be a non-empty list");
  return messages.map((message: unknown, index) => {
    if (!isObject(message) || typeof message.role !== "string")
      throw new BadRequest(`messages/${index}: must be an object with a role`);
    return { role: message.role, content: readContent(message.content, index) };
  });
}

function readContent(content: unknown, index: number): string {
  if (typeof content === "string") return content;
  if (content === null || content === undefined) return "";
  if (!Array.isArray(content)) throw new BadRequest(`messages/${index}/content: must be text`);
  return content
    .map((part: unknown) => {
      if (isObject(part) && part.type === "text" && typeof part.text === "string") return part.text;
      throw new BadRequest(`messages/${index}/content: this model reads text only`);
    })
    .join("");
}
