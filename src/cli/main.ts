#!/usr/bin/env node
/**
 * The entry of the command line.
 *
 * What must hold: `--version` loads nothing; each command loads what it needs and no more; the exit
 * code is one of the table in words.ts.
 */
import { createRequire } from "node:module";

const argv = process.argv.slice(2);

if (argv[0] === "--version" || argv[0] === "-V") {
  process.stdout.write(`trailhand ${VERSION}\n`);
} else {
  // Bundled CommonJS packages ask for node's own modules by `require`, which ES modules lack.
  Object.assign(globalThis, { require: createRequire(import.meta.url) });
  const { main } = await import("./dispatch.ts");
  process.exitCode = await main(argv);
}
