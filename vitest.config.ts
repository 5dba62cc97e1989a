import { configDefaults, defineConfig } from "vitest/config";
import { RackOrder } from "./test/rack-order.ts";

const levels = ["engine", "conformance", "rack"] as const;

export default defineConfig({
  test: {
    sequence: { sequencer: RackOrder },
    // A file that hangs must not hang the run: hooks are bounded like tests.
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...levels.map((level) => `test/${level}/**`)],
          testTimeout: 15_000,
          hookTimeout: 15_000,
        },
      },
      {
        test: {
          name: "engine",
          include: ["test/engine/**/*.test.ts"],
          // Each file starts engines and providers of its own; two cores bear one at a time.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "conformance",
          include: ["test/conformance/**/*.test.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "rack",
          include: ["test/rack/*.test.ts"],
          // One virtual server at a time; its files share it, in the order of test/rack-order.ts.
          fileParallelism: false,
          testTimeout: 30 * 60_000,
          hookTimeout: 30 * 60_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
