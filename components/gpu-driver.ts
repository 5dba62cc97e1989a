import * as pulumi from "@pulumi/pulumi";
import type { Connection } from "../config/connection.ts";
import { driverResourceInputs } from "../config/driver.ts";
import type { NodeConfig } from "../config/index.ts";
import { imageCuda } from "../tiers/images.ts";
import { Baseline, Driver } from "./nouns.ts";

export interface GpuDriverArgs {
  connection: Connection;
  baseline: NodeConfig["baseline"];
  driver: NodeConfig["driver"];
  host: NodeConfig["host"];
  inference: NodeConfig["inference"];
}

/** What the driver needs of the system (nouveau away, upgrades kept off it), and the driver in exact versions. */
export class GpuDriver extends pulumi.ComponentResource {
  constructor(name: string, args: GpuDriverArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("racksmith:components:GpuDriver", name, {}, opts);
    const baseline = prepareSystem(name, args, { parent: this });
    installDriver(name, args, { parent: this, dependsOn: baseline });
    this.registerOutputs();
  }
}

/** The firewall, where it is wanted, leaves SSH and the gateway open. */
function prepareSystem(
  name: string,
  args: GpuDriverArgs,
  opts: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const { connection, baseline, inference } = args;
  const { firewall } = baseline;
  const gateway = { port: inference.gateway.port, protocol: "tcp" as const, from: [] };
  // A rule of the user's own for that port says from where it may be reached.
  const allow = firewall.allow.some(({ port }) => port === gateway.port)
    ? firewall.allow
    : [...firewall.allow, gateway];
  const wanted = { ...baseline, firewall: { ...firewall, allow } };
  return new Baseline(name, { connection, ...wanted, sshPort: connection.port }, opts);
}

/** Not on a host that is meant to have no GPU. */
function installDriver(name: string, args: GpuDriverArgs, opts: pulumi.CustomResourceOptions): void {
  const { connection, driver, host, inference } = args;
  if (host.gpus === undefined || host.gpus.count === 0) return;
  new Driver(name, { connection, ...driverResourceInputs(driver, imageCuda(inference.image)) }, opts);
}
