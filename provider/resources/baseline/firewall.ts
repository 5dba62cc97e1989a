import type { BaselineConfig } from "../../../config/baseline.ts";

type Rule = BaselineConfig["firewall"]["allow"][number];

/**
 * racksmith's own nftables table. It accepts SSH before anything else and answers to what the host itself began;
 * other tables (Docker's, the user's) still have their say, since every base chain must accept. Forwarded traffic
 * (containers' published ports) is not its business. `define ssh_ports` is filled by apply.sh, which adds whatever
 * sshd listens on.
 */
export function firewallRuleset({ firewall }: Pick<BaselineConfig, "firewall">): string {
  return `table inet racksmith
delete table inet racksmith
table inet racksmith {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iif "lo" accept
    tcp dport $ssh_ports accept
    meta l4proto { icmp, ipv6-icmp } accept
    udp sport 67 udp dport 68 accept
    udp dport 546 accept
${firewall.allow.flatMap(ruleLines).join("")}  }
}
`;
}

function ruleLines({ port, protocol, from }: Rule): string[] {
  if (from.length === 0) return [`    ${protocol} dport ${port} accept\n`];
  const families = [
    ["ip", from.filter((network) => !network.includes(":"))],
    ["ip6", from.filter((network) => network.includes(":"))],
  ] as const;
  return families
    .filter(([, networks]) => networks.length > 0)
    .map(
      ([family, networks]) =>
        `    ${family} saddr { ${networks.join(", ")} } ${protocol} dport ${port} accept\n`,
    );
}
