import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Ends a run that hangs. No test may come near it, however busy the machine is. */
const HANGING_MS = 600_000;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/hermetic.ts"],
    setupFiles: ["test/support/each-file.ts"],
    // To start a process and to load the source for each file took a tenth of the whole run.
    isolate: false,
    testTimeout: HANGING_MS,
    hookTimeout: HANGING_MS,
    // Bundles of the simulation are programs: they are loaded as they are.
    server: { deps: { external: [/\/dist\/simulation-/] } },
    pool: "forks",
    // Tests wait for processes that they start: one more than there are cores keeps all cores busy.
    maxWorkers: availableParallelism() + 1,
  },
});
