/**
 * Pulumi's configuration as plain data: the values of one project's keys, without its name. The engine hands
 * mappings and lists over as JSON, with their secrets decrypted, and everything else as text.
 */
export function pulumiValues(
  all: Readonly<Record<string, string>>,
  project: string,
): Record<string, unknown> {
  const own = Object.entries(all).filter(([key]) => key.startsWith(`${project}:`));
  return Object.fromEntries(own.map(([key, text]) => [key.slice(project.length + 1), plainValue(text)]));
}

function plainValue(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
