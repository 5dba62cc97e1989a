// The registry: one line a noun. The provider's schema, its checks and the classes of ../sdk.ts follow from it.
export { access } from "./access.ts";
export { baseline } from "./baseline.ts";
export { docker } from "./docker.ts";
export { driver } from "./driver.ts";
export { files } from "./files.ts";
export { host } from "./host.ts";
export { inference } from "./inference.ts";
export { raid } from "./raid.ts";
export { vault } from "./vault.ts";
export { weights } from "./weights.ts";
