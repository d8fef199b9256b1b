/** The pack `intake` end to end: several issues, two opinions each, and missing opinions. */
import { describe, expect, it } from "vitest";
import type { Ports } from "../../../src/engine/ports.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const PACK = "intake";
const THOROUGH = ["acknowledge", "route", "research", "consult", "join", "assign", "assigned"];
const issue = (number: number, text: string) =>
  `fix: ${text}\n\nIt says ${text}, always.\n\nState: acknowledge\nRefs: #${number}\nEvent: issue-${number}\n`;

/** An agent that fails when its prompt mentions two issues, and repeats the one it saw. */
const AGENT = (route = "research", upkeep = "echo 'Take it.'") => `
seen=$(grep -o 'It says [a-z]*, always' "$prompt" | sort -u)
test "$(printf '%s\\n' "$seen" | wc -l)" -eq 1 && test -n "$seen"
case $TRAILHAND_STATE in
route) echo 'state=${route}' >>"$TRAILHAND_OUTPUT" ;;
research) echo "src/a.js:1: $seen"; echo 'trailers=Refs: #99' >>"$TRAILHAND_OUTPUT" ;;
opinion-use) grep -q "src/a.js:1: $seen" "$prompt"; echo "Leave it. $seen" ;;
opinion-upkeep) ${upkeep} ;;
*) echo "Short: $seen" ;;
esac`;

function start(agent: string, ...messages: readonly string[]): Repo {
  const repo = packRepo(PACK);
  repo.write("states/owners.txt", "# in turn\nann@example.com\nben@example.com\n");
  repo.commit("chore: list the owners");
  useAgent(agent);
  for (const [at, message] of messages.entries()) ask(repo, `issue/${12 + at}`, message);
  return repo;
}

const later = (ports: Ports): Ports => ({
  ...ports,
  clock: {
    mono: () => ports.clock.mono(),
    wall: () => ports.clock.wall() + 3 * 3_600_000,
    sleep: (ms, until) => ports.clock.sleep(ms, until),
  },
});

describe(PACK, () => {
  it("handles two issues at the same time without mixing them", async () => {
    const repo = start(AGENT(), issue(12, "alpha"), issue(13, "beta"));
    await run(repo);
    const owners = ["ann@example.com", "ben@example.com"];
    for (const [at, [own, other]] of [["alpha", "beta"] as const, ["beta", "alpha"] as const].entries()) {
      const branch = `issue/${12 + at}`;
      expect(statesOn(repo, branch)).toEqual(THOROUGH);
      const answer = headOf(repo, branch);
      expect(answer).toContain(`Opinion of use:\n\n    Leave it. It says ${own}, always\n`);
      expect(answer).toContain("Opinion of upkeep:\n\n    Take it.\n");
      expect(answer).toContain(`Assigned-To: ${owners[at]}`);
      for (const each of [branch, `${branch}.use`, `${branch}.upkeep`]) {
        const said = repo.git("log", "--format=%B", `main..${each}`);
        expect(said).toMatch(new RegExp(`^Refs: #${12 + at}$`, "m"));
        expect(said).not.toContain(other);
        expect(said).not.toContain(`Refs: #${13 - at}`);
        expect(changedOn(repo, each)).toEqual([]);
      }
    }
  });

  it("requests no opinions on the fast path", async () => {
    const repo = start(AGENT("fast"), issue(12, "alpha"));
    await run(repo);
    expect(statesOn(repo, "issue/12")).toEqual(["acknowledge", "route", "fast", "assign", "assigned"]);
    expect(headOf(repo, "issue/12")).toContain("Short: It says alpha, always");
    expect(repo.git("branch", "--list", "issue/12.*")).toBe("");
  });

  it("names the opinion that missed the deadline, and continues without it", async () => {
    const repo = start(AGENT("research", `echo 'state=parked' >>"$TRAILHAND_OUTPUT"`), issue(12, "alpha"));
    await run(repo);
    expect(statesOn(repo, "issue/12").at(-1)).toBe("join");
    await run(repo, {}, later);
    expect(statesOn(repo, "issue/12").at(-1)).toBe("missing");
    expect(headOf(repo, "issue/12")).toMatch(/gave up after 2h: .*upkeep \(parked\)/i);
    repo.git("switch", "-q", "issue/12");
    repo.request("chore: continue without it\n\nState: assign\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(headOf(repo, "issue/12")).toContain("The opinion of upkeep is missing: parked.");
    expect(headOf(repo, "issue/12")).toContain("Opinion of use:");
    expect(headOf(repo, "issue/12")).toMatch(/^Refs: #12$/m);
  });

  it("stops waiting for a failed opinion, and continues when it was repeated", async () => {
    const repo = start(AGENT("research", `echo 'state=failed' >>"$TRAILHAND_OUTPUT"`), issue(12, "alpha"));
    await run(repo);
    expect(statesOn(repo, "issue/12").at(-1)).toBe("missing");
    expect(headOf(repo, "issue/12")).toMatch(/upkeep did not succeed/i);
    useAgent(AGENT());
    for (const [branch, state] of [
      ["issue/12.upkeep", "opinion-upkeep"],
      ["issue/12", "join"],
    ] as const) {
      repo.git("switch", "-q", branch);
      repo.request(`chore: once more\n\nState: ${state}\n`);
    }
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(statesOn(repo, "issue/12").slice(-3)).toEqual(["join", "assign", "assigned"]);
    expect(headOf(repo, "issue/12")).toContain("Opinion of upkeep:\n\n    Take it.");
  });

  it("asks a person when the route fails, and parks a request without an issue", async () => {
    const repo = start(AGENT("done"), issue(12, "alpha"), "fix: beta\n\nState: acknowledge\n");
    await run(repo);
    expect(statesOn(repo, "issue/12")).toEqual(["acknowledge", "route", "triage"]);
    expect(statesOn(repo, "issue/13")).toEqual(["acknowledge", "parked"]);
    expect(headOf(repo, "issue/13")).toContain('such as "Refs: #12"');
  });
});
