#!/usr/bin/env node
/**
 * The entry of the command line.
 *
 * What must hold: `--version` loads nothing; each command loads what it needs and no more; the exit
 * code is one of the table in words.ts.
 */
const argv = process.argv.slice(2);

if (argv[0] === "--version" || argv[0] === "-V") {
  process.stdout.write(`trailhand ${VERSION}\n`);
} else {
  const { main } = await import("./dispatch.ts");
  process.exitCode = await main(argv);
}
