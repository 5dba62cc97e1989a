import { z } from "zod";

const connectionBase = {
  host: z.string().min(1),
  port: z.number().default(22),
  user: z.string().default("root"),
  password: z.string().optional(),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  agentSocketPath: z.string().optional(),
  /** Failed dials allowed; -1 is no limit. */
  dialErrorLimit: z.int().default(10),
  /** Seconds for one dial; 0 is no limit. */
  perDialTimeout: z.int().default(15),
  /** One `TYPE KEY` line. The official plugin accepts any key when it is absent; this edition refuses to connect. */
  hostKey: z.string().optional(),
};

export const connectionInputs = z.strictObject({
  ...connectionBase,
  proxy: z.strictObject(connectionBase).optional(),
});

const common = {
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  triggers: z.array(z.unknown()).optional(),
  stdin: z.string().optional(),
  environment: z.record(z.string(), z.string()).optional(),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).optional(),
  addPreviousOutputInEnv: z.boolean().optional(),
};

/** The inputs of `command:local:Command` that this edition knows; any other is refused. */
export const localInputs = z.strictObject({
  ...common,
  interpreter: z.array(z.string()).optional(),
  dir: z.string().optional(),
});

/** The inputs of `command:remote:Command` that this edition knows; any other is refused. */
export const remoteInputs = z.strictObject({ ...common, connection: connectionInputs });

export type ConnectionInputs = z.infer<typeof connectionInputs>;
export type ConnectionBase = Omit<ConnectionInputs, "proxy">;
export type LocalInputs = z.infer<typeof localInputs>;
export type RemoteInputs = z.infer<typeof remoteInputs>;

export interface Ran {
  stdout: string;
  stderr: string;
}

export type LogLine = (line: string) => void;

/** The previous run's output, in the environment of the next one, as the official plugin names it. */
export function previousOutput(inputs: { addPreviousOutputInEnv?: boolean | undefined }, previous?: Ran) {
  if (inputs.addPreviousOutputInEnv === false || !previous) return {};
  return {
    ...(previous.stdout ? { PULUMI_COMMAND_STDOUT: previous.stdout } : {}),
    ...(previous.stderr ? { PULUMI_COMMAND_STDERR: previous.stderr } : {}),
  };
}
