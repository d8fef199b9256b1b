/** The pack `side-by-side` end to end: the same request to every agent, and a person picks one. */
import { beforeEach, describe, expect, it } from "vitest";
import { join } from "node:path";
import { spawnSync } from "node:child_process";
import { introduce } from "../../support/run-cli.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, usePrograms, ROOT } from "../../support/pack-fixture.ts";

const BRANCH = "feat/it's";
const REQUEST = "feat: a greeting\n\nIt says hello.\n\nState: compare\n";
const PROGRAM = join(ROOT, "dist/trailhand.js");

/** Each agent writes a file with its name. */
const AGENT = 'grep -q "It says hello" || exit 1; echo "${0##*/} $*" >"${0##*/}.txt"; echo "I am ${0##*/}."';

let repo: Repo;
beforeEach(() => {
  repo = introduce(packRepo("side-by-side"));
});

async function compare(programs: Readonly<Record<string, string>>): Promise<void> {
  usePrograms({ trailhand: `exec '${process.execPath}' '${PROGRAM}' "$@"`, ...programs });
  ask(repo, BRANCH, REQUEST);
  await run(repo);
}

/** Runs the command that the response prints for an agent. */
function type(agent: string): void {
  const line = headOf(repo, BRANCH)
    .split("\n")
    .find((one) => one.startsWith("    trailhand request take") && one.includes(agent));
  const env = { ...process.env, XDG_CACHE_HOME: repo.cache };
  const { status, stderr } = spawnSync("sh", ["-c", line ?? "false"], { cwd: repo.dir, env });
  expect(status, stderr.toString()).toBe(0);
}

describe("side-by-side", () => {
  it("requests the same from every agent, and merges the picked branch", async () => {
    await compare({ claude: AGENT, codex: AGENT });
    expect(statesOn(repo, BRANCH)).toEqual(["compare", "join", "present", "pick"]);
    expect(changedOn(repo, BRANCH)).toEqual([]);
    expect(repo.git("show", `${BRANCH}.claude:claude.txt`)).toBe("claude -p");
    expect(repo.git("show", `${BRANCH}.codex:codex.txt`)).toBe("codex exec -");
    expect(headOf(repo, BRANCH)).toMatch(
      /claude: done, lines changed: 1, used: [\s\S]*\n {4}> I am claude\./,
    );

    type("codex");
    await run(repo);
    expect(statesOn(repo, BRANCH).slice(-2)).toEqual(["take", "done"]);
    expect(changedOn(repo, BRANCH)).toEqual(["codex.txt"]);
    expect(headOf(repo, BRANCH)).toContain("Picked: codex\n");
    expect(statesOn(repo, `${BRANCH}.claude`).at(-1)).toBe("done");
  });

  it("lists a failed agent, which cannot be picked", async () => {
    await compare({ claude: 'echo state=failed >>"$TRAILHAND_OUTPUT"', codex: AGENT });
    expect(headOf(repo, BRANCH)).toContain("claude: failed (at failed)\n");
    repo.git("switch", "-q", BRANCH);
    repo.request("chore: this one\n\nState: take\nPick: claude\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, BRANCH).at(-1)).toBe("pick");
    expect(headOf(repo, BRANCH)).toMatch(/Pick must name one of these agents\n\n- codex\n/);
    expect(changedOn(repo, BRANCH)).toEqual([]);
  });

  it("parks when there are no agents", async () => {
    const path = "states/workflow.yml";
    repo.write(path, repo.git("show", `main:${path}`).replace(/^agents:[\s\S]*?^(?=limits)/m, ""));
    repo.commit("chore: no agents");
    await compare({});
    expect(statesOn(repo, BRANCH)).toEqual(["compare", "parked"]);
  });
});
