/**
 * Who pushed decides who asked: told by signed webhooks and by GitHub's log of activities, and never
 * by what a commit says of itself.
 */
import { once } from "node:events";
import { expect, test } from "vitest";
import { accountAddress } from "../../../src/core/policy/push-identity.ts";
import { cliStart, listen } from "../../support/run-cli.ts";
import { NAME, OWNER, TOKEN } from "../../support/fake-github.ts";
import { approveAs, commitAs, type Manner } from "../../support/person-commits.ts";
import { git, makeRepo } from "../../support/temp-repo.ts";
import { call } from "../../support/github/run-sync.ts";
import { eventBy, openIssue, serveApp, stateOn, type Account } from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const SCRIPT = '#!/bin/sh\necho "summary=done" >>"$TRAILHAND_OUTPUT"\n';
const address = ({ id, login }: Account) => accountAddress(id, login);

/** An App whose workflow asks who pushed; `ship` may be asked for by the owner, whatever name it has now. */
async function prepare(how: { readonly shouldRun?: boolean } = {}) {
  const person = makeRepo();
  const scene = await serveApp(person, how);
  const { owner, pushing, fakeGithub } = scene;
  const stranger = (await fakeGithub.as("stranger", "GET", "/user")) as Account;
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
  const body = (branch: string) => git(scene.far, ["log", "-1", "--format=%B", branch]);
  return { ...scene, person, stranger, ask, body };
}

/** A webhook that tells of nothing new, and wakes. */
const nudge = (owner: Account) => ({
  ref: "refs/heads/main",
  before: "0".repeat(40),
  after: "0".repeat(40),
  ...eventBy(owner),
});

const reached = (scene: { far: string }, branch: string, state: string) =>
  until(`${branch} is at ${state}`, () => stateOn(scene as never, branch) === state);

test("a commit asks as who pushed it, whoever it says wrote it", async () => {
  const scene = await prepare();
  const { owner, stranger, ask, body, pushing, send } = scene;
  await ask("forged", "ship", stranger, address(owner));
  await reached(scene, "forged", "parked");
  expect(body("forged")).toContain(`only leads may request it, and ${address(stranger)} did`);
  await ask("good", "ship", owner, "somebody@example.com");
  await reached(scene, "good", "done");
  const committer = git(scene.far, ["log", "-1", "--format=%cn <%ce>", "good"]).trim();
  expect(committer).toBe(`${pushing.app.login} <${address(pushing.app)}>`);

  // GitHub's log tells it where the webhook was lost, once it does.
  pushing.isSilent = true;
  pushing.isLate = true;
  await ask("lost", "ship", owner, "somebody@example.com");
  await send("push", nudge(owner));
  await until("it is asked for", () =>
    scene.fakeGithub.asked.some(({ path }) => path.includes("refs%2Fheads%2Flost")),
  );
  expect(stateOn(scene, "lost")).toBe("ship");
  pushing.isLate = false;
  await reached(scene, "lost", "done");

  // What the App writes speaks for the account that GitHub confirmed.
  pushing.isSilent = false;
  const issue = await openIssue(scene, "Ship it", "Please.");
  await send("issues", { action: "labeled", issue, label: { name: "state:ship" }, ...eventBy(owner) });
  await reached(scene, "trailhand/issue-1", "done");
});

test("an approval counts for who pushed it, and not for who asked", async () => {
  const scene = await prepare();
  const { owner, stranger, ask, body, person, pushing, far, fakeGithub, send } = scene;
  const asked = await ask("theirs", "gate", stranger, "somebody@example.com");
  const forged = approveAs(person, address(owner), asked, { branch: "theirs" });
  await pushing.push(stranger, "theirs");
  // The owner asks under another name, and approves that.
  const own = await ask("own", "gate", owner, address(stranger));
  approveAs(person, address(owner), own, { branch: "own" });
  await pushing.push(owner, "own");
  // What was asked for last is looked at last.
  await ask("last", "ship", owner, "somebody@example.com");
  await reached(scene, "last", "done");
  expect(git(far, ["rev-parse", "theirs"])).toBe(`${forged}\n`);
  expect(stateOn(scene, "own")).toBe("");
  // The log may tell late.
  const asks = () => fakeGithub.asked.filter(({ path }) => path.includes("refs%2Fheads%2Ftheirs")).length;
  const before = asks();
  pushing.isSilent = true;
  pushing.isLate = true;
  approveAs(person, "somebody@example.com", asked, { branch: "theirs" });
  await pushing.push(owner, "theirs");
  await send("push", nudge(owner));
  await until("GitHub is asked, and does not know yet", () => asks() > before);
  expect(stateOn(scene, "theirs")).toBe("");
  pushing.isLate = false;
  await until("it is asked again", async () => {
    await send("push", nudge(owner));
    return asks() > before + 1;
  });
  await reached(scene, "theirs", "done");
  expect(body("theirs")).toMatch(`Approved-By: ${address(owner)} `);
  expect(body("theirs")).not.toContain(forged);
});

test("the commands that show the work ask who approved, and none of them guesses", async () => {
  const scene = await prepare({ shouldRun: false });
  const { owner, stranger, ask, fakeGithub, server, person, pushing } = scene;
  // What the App has shown already, no command has to write.
  await scene.stop();
  const asked = await ask("theirs", "gate", stranger, address(stranger));
  approveAs(person, address(owner), asked, { branch: "theirs" });
  await pushing.push(owner, "theirs");
  const url = `${server}/${OWNER}/${NAME}.git`;
  const sync = (env: Record<string, string>, ...args: string[]) =>
    call(
      { fakeGithub, repo: person, number: 0 },
      { GITHUB_SERVER_URL: server, ...env },
      "--dry-run",
      ...args,
    );
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
  const known = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: fakeGithub.url, GITHUB_SERVER_URL: server };
  expect(await status(known)).toMatch(/theirs +gate +runner/);
  expect(await status({ ...known, GITHUB_TOKEN: "" })).toMatch(/theirs +gate +person .*waits for 1 approval/);
});

test("a runner beside it asks GitHub with a token, and refuses to guess without", async () => {
  const scene = await prepare({ shouldRun: false });
  const { owner, stranger, ask, body, fakeGithub, server, person, pushing } = scene;
  await ask("good", "ship", owner, "somebody@example.com");
  await ask("forged", "ship", stranger, address(owner));
  // Of what was pushed long ago it will not tell later either.
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
  expect(stateOn(scene, "good")).toBe("ship");
  const known = { GITHUB_TOKEN: TOKEN, GITHUB_API_URL: fakeGithub.url, GITHUB_SERVER_URL: server };
  expect(await doctor({})).toContain("Trailhand cannot ask GitHub who pushed");
  expect(await doctor(known)).not.toContain("! proof");
  await run(known);
  expect(stateOn(scene, "good")).toBe("done");
  expect(body("old")).toContain("the server does not report who pushed");
  expect(stateOn(scene, "forged")).toBe("parked");
  expect(body("forged")).toContain(`and ${address(stranger)} did`);
});
