import { closed } from "../any-noun.ts";
import * as registry from "../resources/index.ts";
import { serveNouns } from "./serve-nouns.ts";

await serveNouns(Object.values(registry).map(closed));
