// The resource classes of the nouns. They follow from the definitions; nothing is written twice.
import { access } from "../provider/resources/access.ts";
import { baseline } from "../provider/resources/baseline.ts";
import { docker } from "../provider/resources/docker.ts";
import { driver } from "../provider/resources/driver.ts";
import { files } from "../provider/resources/files.ts";
import { host } from "../provider/resources/host.ts";
import { inference } from "../provider/resources/inference.ts";
import { raid } from "../provider/resources/raid.ts";
import { vault } from "../provider/resources/vault.ts";
import { weights } from "../provider/resources/weights.ts";
import { resourceClass } from "../provider/sdk.ts";

export const Host = resourceClass(host);
export const Baseline = resourceClass(baseline);
export const Driver = resourceClass(driver);
export const Files = resourceClass(files);
export const Raid = resourceClass(raid);
export const Vault = resourceClass(vault);
export const Weights = resourceClass(weights);
export const Docker = resourceClass(docker);
export const Inference = resourceClass(inference);
export const Access = resourceClass(access);
