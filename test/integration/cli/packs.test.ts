/** `trailhand packs` and `trailhand init --pack`, with the packs that the build copied. */
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { cli, introduce } from "../../support/run-cli.ts";
import { makeRepo } from "../../support/temp-repo.ts";

const PACKS = fileURLToPath(new URL("../../../states/packs", import.meta.url));
const LIBRARY = fileURLToPath(new URL("../../../states/lib/trailhand.sh", import.meta.url));

interface Listed {
  readonly packs: readonly { readonly name: string; readonly what: string }[];
}

test("packs prints one line for each pack", () => {
  const repo = makeRepo();
  const { packs } = JSON.parse(cli(repo, "packs", "--json").out) as Listed;
  const said = cli(repo, "packs");
  expect(said.code).toBe(0);
  expect(said.err).toContain("trailhand init --pack <name>");
  const lines = said.out.trimEnd().split("\n");
  expect(lines).toHaveLength(packs.length + 1);
  expect(packs.map(({ name }) => name)).toContain("sequential");
  for (const [at, { name, what }] of packs.entries()) {
    expect(lines[at + 1]).toMatch(new RegExp(`^${name} `));
    expect(what).not.toContain("\n");
  }
});

test("packs <name> prints the page of the pack, also outside of a repository", () => {
  const repo = makeRepo();
  const page = readFileSync(join(PACKS, "sequential/README.md"), "utf8");
  const said = cli(repo, "-C", "/", "packs", "sequential");
  expect(said).toMatchObject({ code: 0, out: page });
  expect(JSON.parse(cli(repo, "packs", "sequential", "--json").out)).toEqual({ name: "sequential", page });
});

test("init --pack writes the pack and the library with their modes, and prints the next commands", () => {
  const repo = introduce(makeRepo());
  const said = cli(repo, "init", "--pack", "sequential");
  expect(said.code).toBe(0);
  const folder = join(PACKS, "sequential");
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    statSync(join(folder, path)).isFile(),
  );
  const isExecutable = (path: string) => (statSync(path).mode & 0o111) !== 0;
  for (const path of paths) {
    const written = join(repo.dir, "states", path);
    expect(readFileSync(written, "utf8")).toBe(readFileSync(join(folder, path), "utf8"));
    expect(isExecutable(written), path).toBe(isExecutable(join(folder, path)));
    expect(said.out).toContain(`wrote states/${path}\n`);
  }
  const library = join(repo.dir, "states/lib/trailhand.sh");
  expect(readFileSync(library, "utf8")).toBe(readFileSync(LIBRARY, "utf8"));
  const steps = said.err.trimEnd().split("\n").slice(-3);
  expect(steps[0]).toContain("git add states && git commit");
  expect(steps[1]).toContain("trailhand request specify --new ");
  expect(steps[2]).toBe("  TRAILHAND_AGENT='claude -p' trailhand run");

  // The printed commands work.
  repo.commit("Add Trailhand's states");
  expect(cli(repo, "graph", "--mermaid").out).toContain("specify --> gate_specify");
  expect(cli(repo, "request", "specify", "--new", "try-it", "-m", "What you want").code).toBe(0);
});

test("init --pack writes nothing when a file already exists", () => {
  const repo = makeRepo({ "states/lib/trailhand.sh": "mine\n" });
  const said = cli(repo, "init", "--pack", "sequential");
  expect(said.code).toBe(3);
  expect(said.err).toContain("These files exist already and were not changed: states/lib/trailhand.sh.");
  expect(existsSync(join(repo.dir, "states/workflow.yml"))).toBe(false);
  expect(readFileSync(join(repo.dir, "states/lib/trailhand.sh"), "utf8")).toBe("mine\n");
});

test("an unknown pack is rejected with the nearest name, and nothing is written", () => {
  const repo = makeRepo();
  for (const args of [
    ["init", "--pack", "sequental"],
    ["packs", "sequental"],
  ]) {
    const said = cli(repo, ...args);
    expect(said.code).toBe(2);
    expect(said.err).toContain('There is no pack "sequental". Did you mean "sequential"?');
    expect(said.err).toContain("next: trailhand packs\n");
  }
  for (const name of ["../packs/sequential", "trailhand.sh", "."]) {
    expect(cli(repo, "init", "--pack", name).code).toBe(2);
  }
  expect(existsSync(join(repo.dir, "states"))).toBe(false);
});

test("the completions list the packs", () => {
  const repo = makeRepo();
  const script = cli(repo, "completions", "bash").out;
  const source = /init:--pack:\*\) COMPREPLY=\(\$\(compgen -W "\$\((.*)\)" --/.exec(script)?.[1] ?? "";
  const { packs } = JSON.parse(cli(repo, "packs", "--json").out) as Listed;
  const listed = execFileSync("sh", ["-c", source.slice(source.indexOf("|") + 1)], {
    input: cli(repo, "packs", "--json").out,
    encoding: "utf8",
  });
  expect(listed.trimEnd().split("\n")).toEqual(packs.map(({ name }) => name));
});
