/**
 * Bundles the command line and the programs of `npm run bench`, `chaos` and `conformance` into dist/.
 *
 * Arguments select the programs to build. The packs are copied next to the program, so that
 * `init --pack` finds them in every installation.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const wanted = process.argv.slice(2);
const isWanted = (name) => wanted.length === 0 || wanted.includes(name);

/** Hashes all source files, so that the build id changes with each of them. */
function hashSources() {
  const hash = createHash("sha256");
  const files = readdirSync(`${root}/src`, { recursive: true, withFileTypes: true });
  const paths = files.filter((file) => file.isFile()).map((file) => `${file.parentPath}/${file.name}`);
  for (const path of paths.toSorted()) hash.update(path.slice(root.length)).update(readFileSync(path));
  return hash.digest("hex").slice(0, 12);
}

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20.19",
  outdir: "dist",
  logLevel: "warning",
  // Larger than the rest of the bundle and only needed by a server, which imports them at start.
  external: ["probot", "@octokit/*"],
  define: { VERSION: JSON.stringify(version), BUILD: JSON.stringify(hashSources()) },
};

/** Keeps `packages.ts` as a separate file, which the program loads on demand. */
const apart = {
  name: "apart",
  setup({ onResolve }) {
    onResolve({ filter: /\/packages\.ts$/ }, ({ kind }) =>
      kind === "entry-point" ? undefined : { path: "./packages.js", external: true },
    );
  },
};

if (wanted.length === 0) rmSync(`${root}/dist`, { recursive: true, force: true });
if (isWanted("trailhand")) {
  // One file whose modules are evaluated on demand. Names are kept for readable stack traces.
  await build({
    ...common,
    format: "cjs",
    minifySyntax: true,
    minifyWhitespace: true,
    // The bundle is CommonJS, where the directory of the file is called __dirname.
    define: { ...common.define, "import.meta.dirname": "__dirname" },
    plugins: [apart],
    entryPoints: {
      trailhand: "src/cli/main.ts",
      cli: "src/cli/dispatch.ts",
      warm: "scripts/warm.ts",
      packages: "src/github/api/packages.ts",
    },
  });
  writeFileSync(`${root}/dist/package.json`, '{ "type": "commonjs" }\n');
  chmodSync(`${root}/dist/trailhand.js`, 0o755);
  rmSync(`${root}/dist/packs`, { recursive: true, force: true });
  cpSync(`${root}/states/packs`, `${root}/dist/packs`, { recursive: true });
  copyFileSync(`${root}/app.yml`, `${root}/dist/app.yml`);
  copyFileSync(`${root}/states/lib/trailhand.sh`, `${root}/dist/packs/trailhand.sh`);
  execFileSync(process.execPath, [`${root}/dist/warm.js`], { stdio: "pipe" });
  rmSync(`${root}/dist/warm.js`);
}
const PROGRAMS = {
  bench: "bench/main.ts",
  webhooks: "bench/webhook-server.ts",
  chaos: "test/chaos/main.ts",
  crash: "test/crash/main.ts",
  conformance: "test/conformance.ts",
};
for (const [name, entry] of Object.entries(PROGRAMS)) {
  if (!isWanted(name)) continue;
  await build({
    ...common,
    format: "esm",
    outExtension: { ".js": ".mjs" },
    entryPoints: { [name]: entry },
    // Bundled CommonJS packages load node's own modules with `require`, which ES modules lack.
    banner: {
      js: 'import{createRequire as bundled}from"node:module";const require=bundled(import.meta.url);',
    },
  });
}
