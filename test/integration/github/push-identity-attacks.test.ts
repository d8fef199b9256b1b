/**
 * Attacks by those who may push and are no leads, where who pushed decides who asked.
 *
 * What must hold: each is delivered by a real push; what it came to is read from the remote.
 */
import { expect, test } from "vitest";
import { accountAddress } from "../../../src/core/policy/push-identity.ts";
import { approveAs, commitAs } from "../../support/person-commits.ts";
import { git, makeRepo } from "../../support/temp-repo.ts";
import { eventBy, serveApp, stateOn, type Account } from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const SCRIPT = '#!/bin/sh\necho "summary=done" >>"$TRAILHAND_OUTPUT"\n';
const address = ({ id, login }: Account) => accountAddress(id, login);

/** `ship` and `sign` are for leads, `check` may be asked for by anybody and may lead to `ship`. */
async function prepare() {
  const person = makeRepo();
  const scene = await serveApp(person);
  const { owner, pushing, fakeGithub, far } = scene;
  const stranger = (await fakeGithub.as("stranger", "GET", "/user")) as Account;
  person.write(
    "states/workflow.yml",
    `proof: pusher
on-behalf: [${pushing.app.id}]
people: { leads: ["${address(owner)}"] }
start: [ship, check, gate]
states:
  check: { next: [done, ship], retries: 0 }
  ship: { next: done, by: [leads], retries: 0 }
  gate: { next: done, wait: approvals 1 by leads not own, deadline: 30d, otherwise: failed }
`,
  );
  person.write("states/ship", SCRIPT, 0o755);
  person.write("states/check", '#!/bin/sh\necho "state=ship" >>"$TRAILHAND_OUTPUT"\n', 0o755);
  person.write("states/gate", SCRIPT, 0o755);
  person.commit("chore: states");
  await pushing.push(owner, "main");
  const write = (branch: string, author: string, text: string, parent?: string) => {
    if (parent === undefined) person.git("branch", "-f", branch, "main");
    return commitAs(person, author, text, { branch, ...(parent === undefined ? {} : { parent }) });
  };
  const reached = (branch: string, state: string) =>
    until(`${branch} is at ${state}`, () => stateOn(scene, branch) === state);
  const body = (branch: string) => git(far, ["log", "-1", "--format=%B", branch]);
  return { ...scene, person, stranger, write, reached, body };
}

test("putting a branch back to what a lead asked for asks as who put it there", async () => {
  const { owner, stranger, pushing, write, reached, body } = await prepare();
  const asked = write("again", address(owner), "feat: again\n\nState: ship\n");
  await pushing.push(owner, "again");
  await reached("again", "done");
  await pushing.push(stranger, `+${asked}:refs/heads/again`);
  await reached("again", "parked");
  expect(body("again")).toContain(`${address(stranger)} did`);
});

test("a lead who merges what another wrote asks for nothing in it", async () => {
  const { owner, pushing, person, write, reached, send, far } = await prepare();
  const hour = new Date(Date.now() - 7_200_000).toISOString();
  person.git("branch", "-f", "merged", "main");
  commitAs(person, address(owner), "feat: a gift\n\nState: ship\n", { branch: "merged", date: hour });
  pushing.kind = "pr_merge";
  await pushing.push(owner, "merged");
  pushing.kind = "push";
  await reached("merged", "parked");
  // It lies on the trusted branch, and waits for a lead who makes the branch that it names.
  const gift = write("gift", address(owner), "feat: a gift\n\nState: ship\nBranch: topic\n");
  pushing.kind = "pr_merge";
  await pushing.push(owner, `${gift}:refs/heads/main`);
  pushing.kind = "push";
  await pushing.push(owner, `${gift}:refs/heads/topic`);
  await send("push", { ref: "refs/heads/topic", ...eventBy(owner) });
  await reached("topic", "parked");
  expect(git(far, ["log", "-1", "--format=%B", "topic"])).toContain("the server does not report who pushed");
});

test("an answer that is written by hand asks as who pushed it", async () => {
  const { owner, stranger, pushing, write, reached, body } = await prepare();
  const honest = write("honest", address(stranger), "feat: honest\n\nState: check\n");
  await pushing.push(stranger, "honest");
  await reached("honest", "done");
  expect(honest).toMatch(/^[0-9a-f]{40}$/);
  const asked = write("forged", address(stranger), "feat: forged\n\nState: check\n");
  write("forged", address(pushing.app), `check: fine\n\nState: ship\nAnswers: ${asked}\n`, asked);
  await pushing.push(stranger, "forged");
  await reached("forged", "parked");
  expect(body("forged")).toContain(`only leads may request it, and ${address(stranger)} did`);
  // With the look of a child's first commit it is no better.
  const born = write("parent.kid", address(stranger), "feat: born\n\nState: check\n");
  const answer = write(
    "parent.kid",
    address(pushing.app),
    `check: fine\n\nState: done\nAnswers: ${born}\nChildren: kid\n`,
    born,
  );
  const kid = "feat: kid\n\nState: ship\nParent: parent\nBranch: parent.kid\n";
  write("parent.kid", address(owner), kid, answer);
  await pushing.push(stranger, "parent.kid");
  await reached("parent.kid", "parked");
});

test("nobody approves their own request by giving it the look of a runner's", async () => {
  const scene = await prepare();
  const { owner, stranger, pushing, person, write, reached } = scene;
  const kid = write("kid", address(stranger), "feat: kid\n\nState: gate\nParent: parent\n");
  approveAs(person, address(owner), kid, { branch: "kid" });
  await pushing.push(owner, "kid");
  const first = write("told", address(stranger), "feat: told\n\nState: check\n");
  const told = write("told", address(stranger), `check: x\n\nState: gate\nAnswers: ${first}\n`, first);
  approveAs(person, address(owner), told, { branch: "told" });
  await pushing.push(owner, "told");
  // Of what nobody is known to have asked for, nobody knows that it is another's.
  const merged = write("merged", address(stranger), "feat: merged\n\nState: gate\n");
  pushing.kind = "pr_merge";
  await pushing.push(owner, "merged");
  pushing.kind = "push";
  approveAs(person, address(owner), merged, { branch: "merged" });
  await pushing.push(owner, "merged");
  // What is looked at last is through; these still wait.
  write("zz-last", address(stranger), "feat: last\n\nState: ship\n");
  await pushing.push(owner, "zz-last");
  await reached("zz-last", "done");
  expect(["kid", "told", "merged"].map((branch) => stateOn(scene, branch))).toEqual(["", "", ""]);
});
