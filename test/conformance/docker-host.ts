import { writeSshFiles } from "../../components/ssh-files.ts";
import { dockerHostUrl, sshOptions } from "../../components/ssh-options.ts";
import type { Connection } from "../../config/connection.ts";
import type { Program } from "./program.ts";

/** The provider's configuration for a host, made by the components' own code. */
export function dockerHost(connection: Connection, folder: string): NonNullable<Program["docker"]> {
  const { host, jump } = writeSshFiles(connection, folder);
  return { host: dockerHostUrl(connection), sshOpts: sshOptions(connection, host, jump) };
}

/** A container with every input that offline/plugins/README.md lists, but for those that need a GPU. */
export function containerOf(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: "racksmith-app",
    image: { $image: "tiny" },
    command: ["sh", "-c", "trap exit TERM; while :; do sleep 1; done"],
    user: "65534:65534",
    groupAdds: ["44", "109"],
    networkMode: "host",
    pidMode: "host",
    readOnly: true,
    restart: "unless-stopped",
    mustRun: true,
    mounts: [
      {
        type: "bind",
        source: "/usr",
        target: "/host",
        readOnly: true,
        bindOptions: { propagation: "rslave" },
      },
      { type: "volume", source: "data", target: "/data", readOnly: false },
    ],
    tmpfs: { "/tmp": "rw,nosuid,nodev", "/var/tmp": "rw,size=1m" },
    capabilities: { drops: ["ALL"], adds: ["CAP_SYS_ADMIN"] },
    securityOpts: ["label=disable", "no-new-privileges"],
    envs: HOSTILE_ENVS,
    memory: 64,
    memorySwap: 64,
    stopTimeout: 3,
    logDriver: "json-file",
    logOpts: { "max-size": "20m", "max-file": "3" },
    labels: [
      { label: "racksmith.stack", value: "it's $(id)" },
      { label: "a.label", value: "" },
    ],
    ...changes,
  };
}

/** Values that a shell, a template or a line-based format would maul. */
export const HOSTILE_ENVS: readonly string[] = [
  "PLAIN=value",
  "QUOTES='single' \"double\" `id` $(id) ${HOME} \\n",
  "EQUALS=a=b=c",
  "EMPTY=",
  "LINES=one\ntwo\n",
  "UNICODE=机架 🛠",
];
