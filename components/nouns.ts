// The resource classes of the nouns. They follow from the definitions; nothing is written twice.
import { BASELINE } from "../provider/resources/baseline.ts";
import { HOST } from "../provider/resources/host.ts";
import { inference } from "../provider/resources/inference.ts";
import { raid } from "../provider/resources/raid.ts";
import { vault } from "../provider/resources/vault.ts";
import { weights } from "../provider/resources/weights.ts";
import { resourceClass } from "../provider/sdk.ts";

export const Host = resourceClass(HOST);
export const Baseline = resourceClass(BASELINE);
export const Raid = resourceClass(raid);
export const Vault = resourceClass(vault);
export const Weights = resourceClass(weights);
export const Inference = resourceClass(inference);
