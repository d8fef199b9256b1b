/** Bundles the command line, the benchmarks and the test programs into dist/. */
import { chmodSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  splitting: true,
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
  // Some dependencies are CommonJS and ask for node's own modules by `require`.
  banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
};

rmSync(`${root}/dist`, { recursive: true, force: true });
await build({
  ...common,
  minifySyntax: true,
  minifyWhitespace: true,
  entryPoints: {
    trailhand: "src/cli/main.ts",
    bench: "bench/main.ts",
    conformance: "test/conformance.ts",
    "crash-runner": "test/support/crash-runner.ts",
  },
});
chmodSync(`${root}/dist/trailhand.js`, 0o755);
