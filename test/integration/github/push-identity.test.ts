/**
 * The push decides who requested work, as signed webhooks and GitHub's activity log record it, and
 * never the text of a commit.
 */
import { once } from "node:events";
import { expect, test } from "vitest";
import { accountAddress } from "../../../src/core/policy/push-identity.ts";
import { cliStart, listen } from "../../support/run-cli.ts";
import { NAME, OWNER, TOKEN } from "../../support/fake-github.ts";
import { approveAs, commitAs, type Manner } from "../../support/person-commits.ts";
import { git, makeRepo } from "../../support/temp-repo.ts";
import { call } from "../../support/github/run-sync.ts";
import {
  commentsOf,
  eventBy,
  openIssue,
  serveApp,
  stateOn,
  type Account,
} from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const SCRIPT = '#!/bin/sh\necho "summary=done" >>"$TRAILHAND_OUTPUT"\n';
const address = ({ id, login }: Account) => accountAddress(id, login);

/** An App whose workflow uses push identities. Only the owner's account may request `ship`. */
async function prepare(how: { readonly shouldRun?: boolean } = {}) {
  const person = makeRepo();
  const fixture = await serveApp(person, how);
  const { owner, pushing, github } = fixture;
  const stranger = (await github.as("stranger", "GET", "/user")) as Account;
  person.write(
    "states/workflow.yml",
    `proof: pusher
on-behalf: [${pushing.app.id}]
people: { leads: ["${accountAddress(owner.id, "an-older-name")}"] }
start: [ship, gate]
states:
  ship: { next: done, by: [leads], retries: 0 }
  gate: { next: done, wait: approvals 1 by leads not own, deadline: 30d, otherwise: failed }
`,
  );
  person.write("states/ship", SCRIPT, 0o755);
  person.write("states/gate", SCRIPT, 0o755);
  person.commit("chore: states");
  await pushing.push(owner, "main");
  const ask = async (branch: string, state: string, who: Account, author: string, how: Manner = {}) => {
    person.git("branch", "-f", branch, "main");
    const asked = commitAs(person, author, `feat: ${branch}\n\nState: ${state}\n`, { ...how, branch });
    await pushing.push(who, branch);
    return asked;
  };
  const body = (branch: string) => git(fixture.far, ["log", "-1", "--format=%B", branch]);
  return { ...fixture, person, stranger, ask, body };
}

/** A webhook without news that wakes the runner. */
const nudge = (owner: Account) => ({
  ref: "refs/heads/main",
  before: "0".repeat(40),
  after: "0".repeat(40),
  ...eventBy(owner),
});

const reached = (fixture: { far: string }, branch: string, state: string) =>
  until(`${branch} is at ${state}`, () => stateOn(fixture as never, branch) === state);

test("a commit counts as a request of its pusher, not of its author", async () => {
  const fixture = await prepare();
  const { owner, stranger, ask, body, pushing, send } = fixture;
  await ask("forged", "ship", stranger, address(owner));
  await reached(fixture, "forged", "parked");
  expect(body("forged")).toContain(`only leads may request it, and ${address(stranger)} did`);
  await ask("good", "ship", owner, "another@example.com");
  await reached(fixture, "good", "done");
  const committer = git(fixture.far, ["log", "-1", "--format=%cn <%ce>", "good"]).trim();
  expect(committer).toBe(`${pushing.app.login} <${address(pushing.app)}>`);

  // After a lost webhook, the activity log names the pusher, possibly late.
  pushing.isSilent = true;
  pushing.isLate = true;
  await ask("lost", "ship", owner, "another@example.com");
  await send("push", nudge(owner));
  await until("it is asked for", () =>
    fixture.github.asked.some(({ path }) => path.includes("refs%2Fheads%2Flost")),
  );
  expect(stateOn(fixture, "lost")).toBe("ship");
  pushing.isLate = false;
  await reached(fixture, "lost", "done");

  // Commits of the App count for the account that GitHub confirmed.
  pushing.isSilent = false;
  const issue = await openIssue(fixture, "Ship it", "Please.");
  await send("issues", { action: "labeled", issue, label: { name: "state:ship" }, ...eventBy(owner) });
  await reached(fixture, "trailhand/issue-1", "done");
});

test("an approval counts for its pusher, and not for the requester", async () => {
  const fixture = await prepare();
  const { owner, stranger, ask, body, person, pushing, far, github, send } = fixture;
  const asked = await ask("theirs", "gate", stranger, "another@example.com");
  const forged = approveAs(person, address(owner), asked, { branch: "theirs" });
  await pushing.push(stranger, "theirs");
  // The owner requests under another name, and approves.
  const own = await ask("own", "gate", owner, address(stranger));
  approveAs(person, address(owner), own, { branch: "own" });
  await pushing.push(owner, "own");
  // The newest request is scanned last.
  await ask("last", "ship", owner, "another@example.com");
  await reached(fixture, "last", "done");
  expect(git(far, ["rev-parse", "theirs"])).toBe(`${forged}\n`);
  expect(stateOn(fixture, "own")).toBe("");
  // The activity log can be late.
  const asks = () => github.asked.filter(({ path }) => path.includes("refs%2Fheads%2Ftheirs")).length;
  const before = asks();
  pushing.isSilent = true;
  pushing.isLate = true;
  approveAs(person, "another@example.com", asked, { branch: "theirs" });
  await pushing.push(owner, "theirs");
  await send("push", nudge(owner));
  await until("GitHub is asked, and does not know yet", () => asks() > before);
  expect(stateOn(fixture, "theirs")).toBe("");
  pushing.isLate = false;
  await until("it is asked again", async () => {
    await send("push", nudge(owner));
    return asks() > before + 1;
  });
  await reached(fixture, "theirs", "done");
  expect(body("theirs")).toMatch(`Approved-By: ${address(owner)} `);
  expect(body("theirs")).not.toContain(forged);
});

test("the comment /approve counts for its author, and not for the requester", async () => {
  const fixture = await prepare();
  const { owner, stranger, ask, body, far, send } = fixture;
  const approve = async (branch: string, asked: string, id: number, number: number) => {
    await until(`${branch} is displayed`, async () => (await commentsOf(fixture, number)).length > 0);
    const comment = { id, body: `/approve ${asked}`, user: { ...owner, type: "User" } };
    await send("issue_comment", { action: "created", issue: { number }, comment, ...eventBy(owner) });
  };
  for (const title of ["Theirs", "Own"]) await openIssue(fixture, title, "Please.");
  const theirs = await ask("trailhand/issue-1", "gate", stranger, "another@example.com");
  await approve("theirs", theirs, 1, 1);
  await reached(fixture, "trailhand/issue-1", "done");
  expect(body("trailhand/issue-1")).toMatch(`Approved-By: ${address(owner)} `);
  // The owner requests in the name of another account.
  const own = await ask("trailhand/issue-2", "gate", owner, address(stranger));
  await approve("own", own, 2, 2);
  await until("the refusal", async () =>
    (await commentsOf(fixture, 2)).some(({ body: text }) => text.includes("it is your own work")),
  );
  expect(git(far, ["rev-parse", "trailhand/issue-2"]).trim()).toBe(own);
});

test("the commands that show the work ask who approved, and never guess", async () => {
  const fixture = await prepare({ shouldRun: false });
  const { owner, stranger, ask, github, server, person, pushing } = fixture;
  // The App has already shown this, so no command writes it.
  await fixture.stop();
  const asked = await ask("theirs", "gate", stranger, address(stranger));
  approveAs(person, address(owner), asked, { branch: "theirs" });
  await pushing.push(owner, "theirs");
  const url = `${server}/${OWNER}/${NAME}.git`;
  const sync = (env: Record<string, string>, ...args: string[]) =>
    call({ github, repo: person, number: 0 }, { GITHUB_SERVER_URL: server, ...env }, "--dry-run", ...args);
  await expect(sync({})).rejects.toThrow("Trailhand cannot ask GitHub who pushed");
  await expect(sync({}, "--remote", url)).resolves.toMatchObject({
    out: expect.stringContaining("trailhand / gate: queued") as string,
  });

  const status = async (env: Record<string, string>) => {
    const child = cliStart(person, env, "status", "--remote", url);
    let out = "";
    child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
    await once(child, "close");
    return out;
  };
  const known = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url, GITHUB_SERVER_URL: server };
  expect(await status(known)).toMatch(/theirs +gate +runner/);
  expect(await status({ ...known, GITHUB_TOKEN: "" })).toMatch(/theirs +gate +person .*waits for 1 approval/);
});

test("a second runner asks GitHub with a token, and refuses to run without one", async () => {
  const fixture = await prepare({ shouldRun: false });
  const { owner, stranger, ask, body, github, server, person, pushing } = fixture;
  await ask("good", "ship", owner, "another@example.com");
  await ask("forged", "ship", stranger, address(owner));
  // The log will not name an old push later either.
  pushing.isLate = true;
  await ask("old", "ship", owner, address(owner), { date: new Date(Date.now() - 7_200_000).toISOString() });
  const run = (env: Record<string, string>) => {
    const remote = `${server}/${OWNER}/${NAME}.git`;
    const child = cliStart(person, { XDG_CACHE_HOME: person.cache, ...env }, "run", "--remote", remote);
    const { said, exited } = listen(child);
    return exited.then((code) => ({ code, said: said() }));
  };
  const doctor = async (env: Record<string, string>) => {
    const remote = `${server}/${OWNER}/${NAME}.git`;
    const child = cliStart(person, env, "doctor", "--remote", remote);
    let out = "";
    child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
    await once(child, "close");
    return out;
  };
  const blind = await run({});
  expect(blind.said).toContain("Trailhand cannot ask GitHub who pushed");
  expect(blind.code).toBe(2);
  expect(stateOn(fixture, "good")).toBe("ship");
  const known = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: github.url, GITHUB_SERVER_URL: server };
  expect(await doctor({})).toContain("Trailhand cannot ask GitHub who pushed");
  expect(await doctor(known)).not.toContain("! proof");
  await run(known);
  expect(stateOn(fixture, "good")).toBe("done");
  expect(body("old")).toContain("the server does not report who pushed");
  expect(stateOn(fixture, "forged")).toBe("parked");
  expect(body("forged")).toContain(`and ${address(stranger)} did`);
});
