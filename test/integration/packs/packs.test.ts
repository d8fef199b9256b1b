/**
 * Every pack is whole: one of the known ones, with a workflow without problems, a page that fits on
 * a screen, whose drawing is made from the workflow, and a test from end to end.
 */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { commandOf, listPacks } from "../../../src/templates/packs.ts";
import { formatMermaid } from "../../../src/core/workflow/graph.ts";
import { contractOf, filesOf, packRepo, PACKS, ROOT } from "../../support/pack-fixture.ts";

const EXPECTED = [
  "advise",
  "chaining",
  "cli-native",
  "control-spectrum",
  "dialogue",
  "durable",
  "evaluator-optimizer",
  "event-driven",
  "factory",
  "fan-out",
  "hybrid",
  "hybrid-phases",
  "initializer-maintainer",
  "intake",
  "lanes",
  "merge-queue",
  "orchestrator-workers",
  "phase-separation",
  "plan-execute-verify",
  "plan-then-execute",
  "planner-executor-reviewer",
  "planner-workers-judge",
  "research-implement-verify",
  "resource-aware",
  "routing",
  "sectioning",
  "sequential",
  "side-by-side",
  "swarm",
  "task-loop",
  "team",
  "voting",
  "workspace-native",
];

const folders = readdirSync(PACKS).toSorted();
const DRAWING = /^```mermaid\n([\s\S]*?)^```$/m;

describe("the packs", () => {
  it.each(EXPECTED)("have %s among them", (name) => {
    expect(folders).toContain(name);
  });

  it("have no folder that nobody expects", () => {
    expect(folders.filter((name) => !EXPECTED.includes(name))).toEqual([]);
  });

  it("are all listed, each with a line of its own", () => {
    const listed = listPacks();
    expect(listed.map(({ name }) => name)).toEqual(folders);
    for (const { name, what } of listed) expect(what, name).toMatch(/^[^\n]{20,}[.!?]$/);
    expect(new Set(listed.map(({ what }) => what)).size).toBe(listed.length);
  });
});

describe.each(folders)("the pack %s", (pack) => {
  const folder = join(PACKS, pack);
  const readme = join(folder, "README.md");

  it("has a workflow without problems, once it is installed", async () => {
    const repo = packRepo(pack);
    const contract = await contractOf(repo);
    expect(contract.problems).toEqual([]);
    expect(contract.workflow.open).toBe(false);
    const { states } = contract.workflow;
    const hasScript = (name: string) =>
      contract.scripts.get(name)?.some(({ executable }) => executable) ?? false;
    const hasPrompt = (name: string) => existsSync(join(repo.dir, "states", `${name}.md`));
    for (const [name, { human, wait }] of Object.entries(states)) {
      const answered = human || hasScript(name) || hasPrompt(name) || wait.length > 0;
      expect(answered, `nobody answers ${name}`).toBe(true);
    }
    // A script or a prompt that no state names is a mistake in a pack.
    const prompts = readdirSync(folder).flatMap((path) => /^([a-z][a-z0-9._-]*)\.md$/.exec(path)?.[1] ?? []);
    const unnamed = [...contract.scripts.keys(), ...prompts].filter((name) => !Object.hasOwn(states, name));
    expect(unnamed).toEqual([]);
  });

  it("has a page with one command", () => {
    const page = readFileSync(readme, "utf8");
    expect(page).toMatch(new RegExp(`^# ${pack}\n`));
    expect(page.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
    expect(page.match(/^```sh$/gm)).toHaveLength(1);
    expect(commandOf(page)).toMatch(/^[^\n]*\btrailhand [^\n]*$/);
  });

  it("draws its workflow as `trailhand graph --mermaid` does", async () => {
    const { workflow } = await contractOf(packRepo(pack));
    const page = readFileSync(readme, "utf8");
    expect(page.match(/^```mermaid$/gm)).toHaveLength(1);
    const wanted = page.replace(DRAWING, () => `\`\`\`mermaid\n${formatMermaid(workflow)}\n\`\`\``);
    if (process.env["UPDATE_DOCS"] === "1") writeFileSync(readme, wanted);
    else
      expect(
        page,
        "the drawing is out of date; run UPDATE_DOCS=1 npx vitest run test/integration/packs/packs.test.ts",
      ).toBe(wanted);
  });

  it("has scripts for any POSIX shell, and no copy of the library", () => {
    const scripts = filesOf(folder).filter((path) => (statSync(join(folder, path)).mode & 0o111) !== 0);
    for (const path of scripts)
      expect(readFileSync(join(folder, path), "utf8"), path).toMatch(/^#!\/bin\/sh\n# /);
    expect(existsSync(join(folder, "lib/trailhand.sh"))).toBe(false);
    expect(existsSync(join(packRepo(pack).dir, "states/lib/trailhand.sh"))).toBe(true);
  });

  it("has a test from end to end", () => {
    expect(existsSync(join(ROOT, "test/integration/packs", `${pack}.test.ts`))).toBe(true);
  });
});
