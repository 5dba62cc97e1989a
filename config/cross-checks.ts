import type { NodeConfig } from "./index.ts";
import type { Problem } from "./problem.ts";

type Node = Partial<NodeConfig>;

/** Rules that span sections of one host. `at` is the host's path, for messages. Sections that did not parse are absent. */
export function checkNode(node: Node, at: string): Problem[] {
  return [...portClashes(node, at)];
}

/** Rules that span hosts. */
export function checkFleet(nodes: readonly Node[]): Problem[] {
  return [
    ...twice(nodes, "name", (node) => node.connection?.name),
    ...twice(nodes, "address", ({ connection }) =>
      connection && connection.jump === undefined ? `${connection.address}:${connection.port}` : undefined,
    ),
  ];
}

function twice(nodes: readonly Node[], field: string, of: (node: Node) => string | undefined): Problem[] {
  const first = new Map<string, number>();
  return nodes.flatMap((node, index) => {
    const value = of(node);
    if (value === undefined) return [];
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, index);
    if (earlier === undefined) return [];
    return [
      { path: `hosts/${index}/${field}`, problem: `found ${value}, which hosts/${earlier} has already` },
    ];
  });
}

function portClashes(node: Node, at: string): Problem[] {
  const claims = new Map<number, string>();
  const problems: Problem[] = [];
  for (const [name, port] of ports(node)) {
    const holder = claims.get(port);
    if (holder === undefined) claims.set(port, name);
    else
      problems.push({
        path: name,
        problem: `found ${port}, which ${holder} uses on ${hostOf(node, at)} already`,
      });
  }
  return problems;
}

function hostOf(node: Node, at: string): string {
  return node.connection?.name ?? at;
}

function ports({ monitoring }: Node): [name: string, port: number][] {
  const claimed: [string, number][] = [];
  if (monitoring?.enabled) {
    const { ports, images, gpuExporter } = monitoring;
    claimed.push(
      ["monitoring/ports/prometheus", ports.prometheus],
      ["monitoring/ports/alertmanager", ports.alertmanager],
    );
    claimed.push(["monitoring/ports/node", ports.node]);
    if (gpuExporter) claimed.push(["monitoring/ports/gpu", ports.gpu]);
    if (images.grafana !== undefined) claimed.push(["monitoring/ports/grafana", ports.grafana]);
  }
  return claimed;
}
