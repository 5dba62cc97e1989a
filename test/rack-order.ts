import { basename } from "node:path";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Bare servers first, then the provisioned one; each file that leaves it clean saves the next one a boot. */
const order = [
  "node",
  "faults-refusals",
  "faults-storage",
  "faults-docker",
  "up",
  "drift",
  "destroy",
  "faults-serving",
  "power",
];

/** Vitest's own order, but for the files of the rack, which share servers. A file not named comes last. */
export class RackOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = order.indexOf(basename(moduleId, ".test.ts"));
      return at === -1 ? order.length : at;
    };
    const sorted = await super.sort(files);
    const ofRack = sorted.filter(({ project }) => project.name === "rack");
    const others = sorted.filter(({ project }) => project.name !== "rack");
    return [...others, ...ofRack.toSorted((a, b) => place(a) - place(b))];
  }
}
