#!/usr/bin/env node
/**
 * The entry point of the command line.
 *
 * Invariants:
 * - `--version` loads nothing.
 */
import { CACHE_FILE, load, RUN_CACHE_FILE } from "./load.ts";

const argv = process.argv.slice(2);

if (argv[0] === "--version" || argv[0] === "-V") {
  process.stdout.write(`trailhand ${VERSION}\n`);
} else {
  void load(__dirname, argv[0] === "run" ? RUN_CACHE_FILE : CACHE_FILE)
    .program.main(argv)
    .then((code) => {
      process.exitCode = code;
    });
}
