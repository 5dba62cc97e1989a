import { gatewayPaths } from "./gateway.ts";

/** Unit and container name of an inference server. */
export function inferenceUnit(name: string): string {
  return `racksmith-inference-${name}`;
}

export const gatewayUnit = "racksmith-gateway";

/** The engine's unit: in order after the vault and Docker, and pulled in again when a vault is opened later. */
export function engineUnitFile(name: string, vaultMount: string, drainSeconds: number): string {
  const container = inferenceUnit(name);
  return `# Written by racksmith.
[Unit]
Description=racksmith inference server ${name}
RequiresMountsFor=${vaultMount}
Wants=docker.service
After=docker.service
# Restart=always with the growing pause below never gives up: no start limit.
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/docker start -a ${container}
ExecStop=/usr/bin/docker stop -t ${drainSeconds} ${container}
TimeoutStopSec=${drainSeconds + 30}
Restart=always
RestartSec=5
# 5 s growing to 5 min, where systemd knows it (254 and later; older ones warn and stay at 5 s).
RestartSteps=6
RestartMaxDelaySec=300

[Install]
WantedBy=multi-user.target ${mountUnit(vaultMount)}
`;
}

/** The gateway's unit. haproxy starts as root, binds, reads the keys and drops to its own user. */
export function gatewayUnitFile(): string {
  return `# Written by racksmith.
[Unit]
Description=racksmith gateway: API keys and routes in front of the inference engine
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
RuntimeDirectory=${gatewayUnit}
RuntimeDirectoryMode=0700
ExecStartPre=/usr/sbin/haproxy -c -q -f ${gatewayPaths.config}
ExecStart=/usr/sbin/haproxy -Ws -f ${gatewayPaths.config} -p /run/${gatewayUnit}/haproxy.pid
ExecReload=/usr/sbin/haproxy -c -q -f ${gatewayPaths.config}
ExecReload=/bin/kill -USR2 $MAINPID
KillMode=mixed
SuccessExitStatus=143
Restart=always
RestartSec=2
LimitNOFILE=16384
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
`;
}

/** systemd's name for a mount point: `/srv/racksmith/vault` → `srv-racksmith-vault.mount`. */
export function mountUnit(path: string): string {
  const escaped = (text: string) =>
    text.replaceAll(/[^A-Za-z0-9:_.]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return `${path.split("/").filter(Boolean).map(escaped).join("-")}.mount`;
}
