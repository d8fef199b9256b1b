/**
 * Bundles into dist/: the command line, and the programs behind `npm run bench` and `conformance`.
 * Names on the command line build only those.
 */
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const PROGRAMS = {
  trailhand: "src/cli/main.ts",
  bench: "bench/main.ts",
  conformance: "test/conformance.ts",
};

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const wanted = process.argv.slice(2);
const entryPoints = Object.fromEntries(
  Object.entries(PROGRAMS).filter(([name]) => wanted.length === 0 || wanted.includes(name)),
);

if (wanted.length === 0) rmSync(`${root}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  outdir: "dist",
  chunkNames: "chunks/[name]-[hash]",
  logLevel: "warning",
  define: { VERSION: JSON.stringify(version) },
  // Some dependencies are CommonJS and ask for node's own modules by `require`.
  banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
});
if ("trailhand" in entryPoints) chmodSync(`${root}/dist/trailhand.js`, 0o755);
