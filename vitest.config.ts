import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/** Ends a run that hangs. No test may come near it, however busy the machine is. */
const HANGING_MS = 600_000;

/** Tests that start few programs. */
const PURE = ["test/{unit,property,docs,structure,simulation}/**/*.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        extends: true,
        // To start a process and to load the source for each of these files would take longer than they do.
        test: { name: "quick", include: PURE, isolate: false },
      },
      {
        extends: true,
        // These start thousands of programs. A start copies the page tables of the process that asks for
        // it, which takes 3 ms in a small one, and 40 ms in one that has grown over many files.
        test: { name: "programs", include: ["test/**/*.test.ts"], exclude: PURE, isolate: true },
      },
    ],
    globalSetup: ["test/support/hermetic.ts"],
    setupFiles: ["test/support/each-file.ts"],
    testTimeout: HANGING_MS,
    hookTimeout: HANGING_MS,
    // Bundles of the simulation are programs: they are loaded as they are.
    server: { deps: { external: [/\/dist\/simulation-/] } },
    pool: "forks",
    // Tests wait for processes that they start: one more than there are cores keeps all cores busy.
    maxWorkers: availableParallelism() + 1,
  },
});
