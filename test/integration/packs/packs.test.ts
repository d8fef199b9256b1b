/** Every pack has a valid workflow, a short page with working commands, and an end-to-end test. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listPacks, startCommands } from "../../../src/templates/packs.ts";
import { formatMermaid } from "../../../src/core/workflow/graph.ts";
import { introduce } from "../../support/run-cli.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import {
  contractOf,
  filesOf,
  packRepo,
  PACKS,
  ROOT,
  statesOn,
  usePrograms,
} from "../../support/pack-fixture.ts";

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
const PROGRAM = join(ROOT, "dist/trailhand.js");
const DRAWING = /^```mermaid\n([\s\S]*?)^```$/m;

describe("the packs", () => {
  it.each(EXPECTED)("include %s", (name) => {
    expect(folders).toContain(name);
  });

  it("include no unexpected folder", () => {
    expect(folders.filter((name) => !EXPECTED.includes(name))).toEqual([]);
  });

  it("are all listed, each with a different sentence", () => {
    const listed = listPacks();
    expect(listed.map(({ name }) => name)).toEqual(folders);
    for (const { name, what } of listed) expect(what, name).toMatch(/^[^\n]{20,}[.!?]$/);
    expect(new Set(listed.map(({ what }) => what)).size).toBe(listed.length);
  });
});

describe.each(folders)("the pack %s", (pack) => {
  const folder = join(PACKS, pack);
  const readme = join(folder, "README.md");

  it("has a workflow without problems once it is installed", async () => {
    const repo = packRepo(pack);
    const contract = await contractOf(repo);
    expect(contract.problems).toEqual([]);
    expect(contract.workflow.open).toBe(false);
    const { states } = contract.workflow;
    const hasScript = (name: string) =>
      contract.scripts.get(name)?.some(({ executable }) => executable) ?? false;
    const hasPrompt = (name: string) => existsSync(join(repo.dir, "states", `${name}.md`));
    for (const [name, { human, wait }] of Object.entries(states)) {
      const isAnswered = human || hasScript(name) || hasPrompt(name) || wait.length > 0;
      expect(isAnswered, `the state ${name} has no script, prompt, person or wait`).toBe(true);
    }
    // A script or a prompt without a state is a mistake in the pack.
    const prompts = readdirSync(folder).flatMap((path) => /^([a-z][a-z0-9._-]*)\.md$/.exec(path)?.[1] ?? []);
    const unnamed = [...contract.scripts.keys(), ...prompts].filter((name) => !Object.hasOwn(states, name));
    expect(unnamed).toEqual([]);
  });

  it("has a page that fits on a screen and explains every state", async () => {
    const page = readFileSync(readme, "utf8");
    expect(page).toMatch(new RegExp(`^# ${pack}\n`));
    expect(page.trimEnd().split("\n").length).toBeLessThanOrEqual(60);
    const { states } = (await contractOf(packRepo(pack))).workflow;
    const text = page.replace(DRAWING, "");
    expect(Object.keys(states).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it("has a page whose commands start it", () => {
    const page = readFileSync(readme, "utf8");
    expect(page.match(/^```sh$/gm)).toHaveLength(1);
    const [init, commit, ...commands] = startCommands(page);
    expect(init).toBe(`trailhand init --pack ${pack}`);
    expect(commit).toBe(`git add states && git commit -m "Add the pack ${pack}"`);
    expect(commands.at(-1)).toMatch(/\btrailhand run( --watch)?$/);

    const repo = introduce(packRepo(pack));
    usePrograms({ trailhand: `exec "${process.execPath}" "${PROGRAM}" "$@"` });
    const env = { ...process.env, XDG_CACHE_HOME: repo.cache, HOME: temporaryDir() };
    const dryRun = [...commands.slice(0, -1), "trailhand run --dry-run"].join(" && ");
    const { status, stdout, stderr } = spawnSync("sh", ["-c", dryRun], {
      cwd: repo.dir,
      encoding: "utf8",
      env,
    });
    expect(status, stdout + stderr).toBe(0);
    const [branch = ""] = repo.git("branch", "--no-merged", "main", "--format=%(refname:short)").split("\n");
    expect(statesOn(repo, branch)).toHaveLength(1);
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
        "the drawing is outdated; run UPDATE_DOCS=1 npx vitest run test/integration/packs/packs.test.ts",
      ).toBe(wanted);
  });

  it("has scripts for POSIX sh, and no copy of the library", () => {
    const scripts = filesOf(folder).filter((path) => (statSync(join(folder, path)).mode & 0o111) !== 0);
    for (const path of scripts)
      expect(readFileSync(join(folder, path), "utf8"), path).toMatch(/^#!\/bin\/sh\n# /);
    expect(existsSync(join(folder, "lib/trailhand.sh"))).toBe(false);
    expect(existsSync(join(packRepo(pack).dir, "states/lib/trailhand.sh"))).toBe(true);
  });

  it("has an end-to-end test", () => {
    expect(existsSync(join(ROOT, "test/integration/packs", `${pack}.test.ts`))).toBe(true);
  });
});
