import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { capture } from "../../cli/process.ts";
import { cached } from "../../rack/cache.ts";
import { run } from "../../rack/run.ts";

/** From PyPI: Debian 12's own ansible-core 2.14 cannot manage Debian 13, whose Python is 3.13. */
const ANSIBLE_CORE = "2.19.14";

const INSTALL = ["--disable-pip-version-check", "install", "--quiet", `ansible-core==${ANSIBLE_CORE}`];

/** `ansible-playbook` in a virtual environment of its own, made once. */
export async function ansiblePlaybook(): Promise<string> {
  const folder = await cached(
    {
      kind: "bench-ansible",
      recipe: { ANSIBLE_CORE },
      title: `ansible-core ${ANSIBLE_CORE}`,
      build: async (dir) => {
        await run(["python3", "-m", "venv", "--without-pip", dir]);
        await run(["python3", "-m", "pip", "--python", join(dir, "bin/python3"), ...INSTALL], {
          timeoutSeconds: 600,
        });
      },
    },
    (line) => void process.stderr.write(`  ${line}\n`),
  );
  // Run as a module: the scripts beside it name the folder in which it was built.
  return join(folder, "bin/python3");
}

/** What makes Ansible quick: pipelining, one kept connection, no retry files. */
const SETTINGS = `[defaults]
host_key_checking = True
retry_files_enabled = False
interpreter_python = auto_silent
[ssh_connection]
pipelining = True
ssh_args = -o ControlMaster=auto -o ControlPersist=60s
`;

export interface Play {
  folder: string;
  inventory: object;
  variables: object;
  apiKey: string;
}

/** Runs the play once. Throws when it fails or changes anything: then it did not keep the same state. */
export async function play(python: string, site: string, { folder, inventory, variables, apiKey }: Play) {
  mkdirSync(join(folder, "tmp"), { recursive: true });
  writeFileSync(join(folder, "ansible.cfg"), SETTINGS);
  writeFileSync(join(folder, "inventory.json"), JSON.stringify(inventory));
  writeFileSync(join(folder, "variables.json"), JSON.stringify(variables));
  const args = ["-i", join(folder, "inventory.json"), "-e", `@${join(folder, "variables.json")}`, site];
  const { status, stdout, stderr } = await capture(python, ["-m", "ansible", "playbook", ...args], {
    env: {
      ...process.env,
      ANSIBLE_CONFIG: join(folder, "ansible.cfg"),
      ANSIBLE_LOCAL_TEMP: join(folder, "tmp"),
      ANSIBLE_SSH_CONTROL_PATH_DIR: join(folder, "cp"),
      RACKSMITH_BENCH_API_KEY: apiKey,
    },
  });
  if (status !== 0) throw new Error(`ansible-playbook: exit ${status}\n${(stdout + stderr).slice(-4000)}`);
  if (!/changed=0\s/.test(stdout)) throw new Error(`the play changed something:\n${stdout.slice(-4000)}`);
}
