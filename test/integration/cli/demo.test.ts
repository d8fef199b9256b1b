import { join } from "node:path";
import { expect, test } from "vitest";
import { cliProcess } from "../../support/run-cli.ts";
import { repoAt, temporaryDir } from "../../support/temp-repo.ts";

test("the demo repairs a failed check, lands three branches and leaves one for a person", () => {
  const dir = join(temporaryDir(), "demo");
  const said = cliProcess(temporaryDir(), {}, "demo", "--keep", dir);
  expect(said.code).toBe(0);
  expect(said.err).toContain("feat/divide: check → repair (exit 1)");
  const repo = { ...repoAt(join(dir, "calculator")), cache: join(dir, "cache") };
  for (const name of ["subtract", "multiply", "divide"]) expect(said.out).toContain(`landed feat/${name}`);
  expect(repo.git("ls-tree", "--name-only", "main", "lib/").split("\n")).toEqual([
    "lib/add.js",
    "lib/divide.js",
    "lib/multiply.js",
    "lib/subtract.js",
  ]);
  expect(repo.git("log", "--format=%s", "main", "--", "lib/divide.js")).toContain("fix: divide rejects zero");
  expect(repo.git("status", "--porcelain")).toBe("");
  expect(repo.git("for-each-ref", "refs/trailhand/leases")).toBe("");
  const needs = cliProcess(repo.dir, { XDG_CACHE_HOME: repo.cache }, "status", "--needs-me", "--json");
  expect(JSON.parse(needs.out).branches).toMatchObject([{ branch: "feat/power", state: "approve" }]);

  // The next command that the demo suggests works.
  expect(
    cliProcess(repo.dir, { XDG_CACHE_HOME: repo.cache }, "request", "integrate", "--branch", "feat/power")
      .code,
  ).toBe(0);
  expect(cliProcess(repo.dir, { XDG_CACHE_HOME: repo.cache }, "run").err).toContain(
    "feat/power: integrate → done",
  );
  expect(cliProcess(temporaryDir(), {}, "demo", "--keep", dir).err).toContain("exists already");
});
