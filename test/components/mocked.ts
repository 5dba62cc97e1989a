import * as pulumi from "@pulumi/pulumi";

/** A resource as the program registered it. */
export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  provider: string | undefined;
}

const registered: Registered[] = [];

/** Runs a program against mocks and returns what it registered, in the order in which the engine would begin it. */
export async function register(program: () => Promise<unknown>): Promise<Registered[]> {
  registered.length = 0;
  pulumi.runtime.setMocks(
    {
      newResource(args) {
        registered.push({ type: args.type, name: args.name, inputs: args.inputs, provider: args.provider });
        return { id: `${args.name}-id`, state: { ...args.inputs, imageId: `sha256:${args.name}` } };
      },
      call: () => ({}),
    },
    "racksmith",
    "test",
  );
  await program();
  await pulumi.runtime.disconnect();
  return [...registered];
}
