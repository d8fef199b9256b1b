/** The pack `resource-aware` end to end: weights, quotas, priority, and rate limits of a provider. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { cli } from "../../support/run-cli.ts";
import { temporaryDir, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, headOf, packRepo, statesOn, useAgent, usePrograms } from "../../support/pack-fixture.ts";

let repo: Repo;
let log: string;
const told = (): string[] => readFileSync(log, "utf8").split("\n").filter(Boolean);

beforeEach(() => {
  repo = packRepo("resource-aware", { Makefile: "test:\n" });
  log = join(temporaryDir(), "told");
  writeFileSync(log, "");
  usePrograms({ make: "true" });
});

const useLogged = (more = "echo x >work.txt") => useAgent(`echo "$TRAILHAND_BRANCH" >>'${log}'\n${more}`);
const request = (state: string, trailers = "") => `feat: a thing\n\n${trailers}State: ${state}\n`;

describe("resource-aware", () => {
  it("estimates, works and checks", async () => {
    useLogged('printf "tokens=1000\\ncost=0.5\\n" >"$TRAILHAND_OUTPUT"; echo x >work.txt');
    ask(repo, "a", "feat: migrate every page\n\nState: estimate\n");
    await run(repo);
    expect(statesOn(repo, "a")).toEqual(["estimate", "heavy", "check", "done"]);
    expect(headOf(repo, "a")).toMatch(/^Estimated: heavy, because the message has a word for large work$/m);
    expect(headOf(repo, "a")).toMatch(/^Spent: 0\.5 USD, 1000 tokens/m);
  });

  it("lets light work overtake heavy work that waits for four slots", async () => {
    useLogged();
    ask(repo, "a", request("heavy", "Priority: 3\n"));
    ask(repo, "b", request("heavy", "Priority: 2\n"));
    ask(repo, "c", request("light", "Priority: 1\n"));
    ask(repo, "d", request("light"));
    ask(repo, "e", request("light", "Priority: -1\n"));
    const { summary } = await run(repo, { once: true });
    expect(told().toSorted()).toEqual(["a", "c", "d"]);
    const held = summary.idle.filter(({ why }) => why.code === "lane-full");
    expect(held.map(({ head }) => head.branch).toSorted()).toEqual(["b", "e"]);
  });

  it("runs urgent work first", async () => {
    useLogged();
    for (const at of [1, 2, 3]) ask(repo, `p${at}`, request("light", `Priority: ${at}\n`));
    await run(repo, { concurrency: 1 });
    expect(told()).toEqual(["p3", "p2", "p1"]);
  });

  it.each([
    ["retry-after: 3600", 3600],
    ["usage limit reached|$(($(date +%s) + 7200))", 7200],
    ["HTTP 429", 900],
  ])(
    "closes the provider for all runners until the limit ends (%s), and continues other work",
    async (said, s) => {
      useLogged(`echo "error: rate limit, ${said}" >&2; echo state=check >"$TRAILHAND_OUTPUT"; exit 1`);
      ask(repo, "a", request("light", "Priority: 1\n"));
      ask(repo, "b", request("light"));
      ask(repo, "c", request("check"));
      const { summary, events } = await run(repo, { concurrency: 1 });
      expect(told()).toEqual(["a"]);
      const rest = events.find((event) => event.kind === "resting");
      expect(rest?.kind === "resting" && rest.ms / 1000).toBeGreaterThan(s - 60);
      expect(rest?.kind === "resting" && rest.ms / 1000).toBeLessThanOrEqual(s);
      const why = summary.idle.find(({ head }) => head.branch === "b")?.why;
      expect(why).toMatchObject({ code: "lane-closed", detail: "provider" });
      expect(statesOn(repo, "c").at(-1)).toBe("done");
      expect(cli(repo, "status").out).toMatch(/^b +light .*the lane provider is closed for /m);
      // A later run starts nothing either, and no attempt was used.
      await run(repo);
      expect(told()).toEqual(["a"]);
      const lease = repo.git("for-each-ref", "--format=%(contents)", "refs/trailhand/leases");
      expect(lease).toMatch(/^Attempt: 0$/m);
    },
  );

  it("treats any other failure as a failure", async () => {
    useLogged("echo 'cannot read the file'; exit 1");
    ask(repo, "a", request("light"));
    await run(repo);
    expect(told()).toHaveLength(3);
    expect(statesOn(repo, "a").at(-1)).toBe("failed");
  });

  it("starts nothing more when the tokens of the window are used up", async () => {
    useLogged('echo tokens=250000 >"$TRAILHAND_OUTPUT"');
    for (const at of [1, 2, 3]) ask(repo, `p${at}`, request("light", `Refs: #${at}\n`));
    const { summary } = await run(repo, { concurrency: 1 });
    expect(told()).toHaveLength(2);
    expect(summary.idle.filter(({ why }) => why.code === "lane-closed")).toHaveLength(1);
  });

  it("parks a branch at its cost limit, with the command that continues it", async () => {
    useLogged('echo cost=6 >"$TRAILHAND_OUTPUT"; echo x >work.txt');
    ask(repo, "a", request("light"));
    await run(repo);
    expect(statesOn(repo, "a").at(-1)).toBe("parked");
    expect(headOf(repo, "a")).toContain('trailhand resume a --trailer "Budget: 10 USD"');
    expect(repo.git("show", "a:work.txt")).toBe("x");
  });
});
