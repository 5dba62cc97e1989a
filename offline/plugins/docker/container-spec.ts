import type { ContainerCreateOptions, HostConfig, MountSettings } from "dockerode";
import { z } from "zod";

const mebibyteBytes = 1024 * 1024;
const noneOrStrings = z.array(z.string()).optional();

/**
 * The inputs of `docker:index/container:Container` that this edition knows, with the names, units and
 * defaults of the official plugin 5.2.0. An input that is not listed here is refused, never ignored.
 * `memory`, `memoryReservation`, `memorySwap` and `shmSize` are MiB; durations of `healthcheck` are Go's
 * ("30s"); `waitTimeout` and `destroyGraceSeconds` are seconds.
 */
export const containerInputs = z.strictObject({
  name: z.string().min(1),
  image: z.string().min(1),
  command: noneOrStrings,
  entrypoints: noneOrStrings,
  envs: noneOrStrings,
  user: z.string().optional(),
  groupAdds: noneOrStrings,
  hostname: z.string().optional(),
  workingDir: z.string().optional(),
  networkMode: z.string().default("bridge"),
  pidMode: z.string().optional(),
  ipcMode: z.string().optional(),
  restart: z.enum(["no", "on-failure", "always", "unless-stopped"]).default("no"),
  maxRetryCount: z.int().optional(),
  readOnly: z.boolean().default(false),
  init: z.boolean().optional(),
  privileged: z.boolean().optional(),
  capabilities: z.strictObject({ adds: noneOrStrings, drops: noneOrStrings }).optional(),
  securityOpts: noneOrStrings,
  memory: z.int().min(0).optional(),
  memoryReservation: z.int().min(0).optional(),
  memorySwap: z.int().min(-1).optional(),
  shmSize: z.int().min(0).optional(),
  cpus: z.string().optional(),
  logDriver: z.string().optional(),
  logOpts: z.record(z.string(), z.string()).optional(),
  labels: z.array(z.strictObject({ label: z.string(), value: z.string() })).optional(),
  ports: z
    .array(
      z.strictObject({
        internal: z.int(),
        external: z.int().optional(),
        ip: z.string().default("0.0.0.0"),
        protocol: z.string().default("tcp"),
      }),
    )
    .optional(),
  mounts: z
    .array(
      z.strictObject({
        type: z.enum(["bind", "volume", "tmpfs"]),
        target: z.string(),
        source: z.string().default(""),
        readOnly: z.boolean().default(false),
        bindOptions: z.strictObject({ propagation: z.string().optional() }).optional(),
      }),
    )
    .optional(),
  volumes: z
    .array(
      z.strictObject({
        containerPath: z.string().optional(),
        hostPath: z.string().optional(),
        volumeName: z.string().optional(),
        readOnly: z.boolean().default(false),
      }),
    )
    .optional(),
  tmpfs: z.record(z.string(), z.string()).optional(),
  gpus: z.literal("all").optional(),
  deviceRequests: z
    .array(
      z.strictObject({
        driver: z.string().default("cdi"),
        count: z.int().default(0),
        deviceIds: noneOrStrings,
        capabilities: noneOrStrings,
      }),
    )
    .optional(),
  healthcheck: z
    .strictObject({
      tests: z.array(z.string()),
      interval: z.string().default("0s"),
      timeout: z.string().default("0s"),
      startPeriod: z.string().default("0s"),
      retries: z.int().default(0),
    })
    .optional(),
  stopSignal: z.string().optional(),
  stopTimeout: z.int().optional(),
  start: z.boolean().default(true),
  mustRun: z.boolean().default(true),
  wait: z.boolean().default(false),
  waitTimeout: z.int().default(60),
  destroyGraceSeconds: z.int().optional(),
  removeVolumes: z.boolean().default(true),
});

export type ContainerInputs = z.infer<typeof containerInputs>;

/** Inputs that Docker can change on a running container, or that only steer the plugin; all others replace it. */
export const updatableInputs: ReadonlySet<string> = new Set([
  "restart",
  "maxRetryCount",
  "memory",
  "memoryReservation",
  "memorySwap",
  "mustRun",
  "start",
  "wait",
  "waitTimeout",
  "destroyGraceSeconds",
  "removeVolumes",
]);

const goUnitNanoseconds: Record<string, number> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a Go duration such as `1m30s`; throws on anything else. */
export function durationNanoseconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)];
  if (parts.map((p) => p[0]).join("") !== text || parts.length === 0)
    throw new Error(`"${text}" is no duration; write it like 30s or 1m30s`);
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * (goUnitNanoseconds[unit ?? ""] ?? 0), 0);
}

/** The body of Docker's `POST /containers/create`. */
export function createOptions(inputs: ContainerInputs): ContainerCreateOptions {
  const portKey = (p: { internal: number; protocol: string }) => `${p.internal}/${p.protocol}`;
  return defined({
    name: inputs.name,
    Image: inputs.image,
    Cmd: inputs.command,
    Entrypoint: inputs.entrypoints,
    Env: inputs.envs,
    User: inputs.user,
    Hostname: inputs.hostname,
    WorkingDir: inputs.workingDir,
    Labels: Object.fromEntries((inputs.labels ?? []).map((l) => [l.label, l.value])),
    StopSignal: inputs.stopSignal,
    StopTimeout: inputs.stopTimeout,
    ExposedPorts: Object.fromEntries((inputs.ports ?? []).map((p) => [portKey(p), {}])),
    Healthcheck: inputs.healthcheck && {
      Test: inputs.healthcheck.tests,
      Interval: durationNanoseconds(inputs.healthcheck.interval),
      Timeout: durationNanoseconds(inputs.healthcheck.timeout),
      StartPeriod: durationNanoseconds(inputs.healthcheck.startPeriod),
      Retries: inputs.healthcheck.retries,
    },
    HostConfig: hostConfig(inputs, portKey),
  }) as ContainerCreateOptions;
}

function hostConfig(
  inputs: ContainerInputs,
  portKey: (p: { internal: number; protocol: string }) => string,
): HostConfig {
  return defined({
    NetworkMode: inputs.networkMode,
    PidMode: inputs.pidMode,
    IpcMode: inputs.ipcMode,
    RestartPolicy: { Name: inputs.restart, MaximumRetryCount: inputs.maxRetryCount ?? 0 },
    ReadonlyRootfs: inputs.readOnly,
    Init: inputs.init ?? false,
    Privileged: inputs.privileged ?? false,
    GroupAdd: inputs.groupAdds,
    CapAdd: inputs.capabilities?.adds,
    CapDrop: inputs.capabilities?.drops,
    SecurityOpt: inputs.securityOpts,
    Memory: mebibytes(inputs.memory),
    MemoryReservation: mebibytes(inputs.memoryReservation),
    MemorySwap: inputs.memorySwap === -1 ? -1 : mebibytes(inputs.memorySwap),
    ShmSize: mebibytes(inputs.shmSize),
    NanoCpus: inputs.cpus === undefined ? undefined : Math.round(Number(inputs.cpus) * 1e9),
    LogConfig: { Type: inputs.logDriver ?? "", Config: inputs.logOpts ?? {} },
    PortBindings: Object.fromEntries(
      (inputs.ports ?? []).map((p) => [
        portKey(p),
        [{ HostIp: p.ip, HostPort: p.external ? `${p.external}` : "" }],
      ]),
    ),
    Mounts: inputs.mounts?.map(
      (m): MountSettings => ({
        Type: m.type,
        Target: m.target,
        Source: m.source,
        ReadOnly: m.readOnly,
        ...(m.bindOptions?.propagation === undefined
          ? {}
          : { BindOptions: { Propagation: propagation(m.bindOptions.propagation) } }),
      }),
    ),
    Binds: inputs.volumes
      ?.filter((v) => v.hostPath ?? v.volumeName)
      .map((v) => `${v.hostPath ?? v.volumeName}:${v.containerPath}:${v.readOnly ? "ro" : "rw"}`),
    Tmpfs: inputs.tmpfs,
    DeviceRequests: deviceRequests(inputs),
  }) as HostConfig;
}

function deviceRequests(inputs: ContainerInputs) {
  if (inputs.gpus === "all") return [{ Driver: "", Count: -1, Capabilities: [["gpu"]] }];
  return inputs.deviceRequests?.map((d) =>
    defined({
      Driver: d.driver,
      Count: d.count,
      DeviceIDs: d.deviceIds,
      Capabilities: d.capabilities && [d.capabilities],
    }),
  );
}

const propagations = ["private", "rprivate", "shared", "rshared", "slave", "rslave"] as const;

function propagation(text: string): (typeof propagations)[number] {
  const known = propagations.find((p) => p === text);
  if (!known) throw new Error(`mounts: propagation "${text}" is none of ${propagations.join(", ")}`);
  return known;
}

function mebibytes(n: number | undefined): number | undefined {
  return n === undefined ? undefined : n * mebibyteBytes;
}

function defined<T extends Record<string, unknown>>(object: T): Partial<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Partial<T>;
}
