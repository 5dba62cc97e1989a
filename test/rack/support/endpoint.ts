/** An HTTP answer, whole. */
export interface Answer {
  status: number;
  body: string;
}

/** POST or GET with a key or without (an empty one); never throws for a status. */
export async function ask(url: string, key: string, body?: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? "GET" : "POST",
    headers: {
      ...(key === "" ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(60_000),
  });
  return { status: response.status, body: await response.text() };
}

/** One chat completion of a few tokens from the rack's model. */
export function chat(endpoint: string, key: string): Promise<Answer> {
  return ask(`${endpoint}/chat/completions`, key, {
    model: "racksmith-tiny",
    messages: [{ role: "user", content: "Say hello." }],
    max_tokens: 4,
  });
}
