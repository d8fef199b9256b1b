/**
 * Attacks by people who may push but are not leads, where the push decides who requested the work.
 *
 * Invariants:
 * - Each attack is a real push, and its result is read from the remote.
 */
import { expect, test } from "vitest";
import { accountAddress } from "../../../src/core/policy/push-identity.ts";
import { approveAs, commitAs } from "../../support/person-commits.ts";
import { git, makeRepo } from "../../support/temp-repo.ts";
import { eventBy, serveApp, stateOn, type Account } from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const SCRIPT = '#!/bin/sh\necho "summary=done" >>"$TRAILHAND_OUTPUT"\n';
const address = ({ id, login }: Account) => accountAddress(id, login);

/** Only leads may request `ship` and `sign`. Everyone may request `check`, which can lead to `ship`. */
async function prepare() {
  const person = makeRepo();
  const fixture = await serveApp(person);
  const { owner, pushing, github, far } = fixture;
  const stranger = (await github.as("stranger", "GET", "/user")) as Account;
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
    until(`${branch} is at ${state}`, () => stateOn(fixture, branch) === state);
  const body = (branch: string) => git(far, ["log", "-1", "--format=%B", branch]);
  return { ...fixture, person, stranger, write, reached, body };
}

test("resetting a branch to a lead's request counts as a request of the pusher", async () => {
  const { owner, stranger, pushing, write, reached, body } = await prepare();
  const asked = write("again", address(owner), "feat: again\n\nState: ship\n");
  await pushing.push(owner, "again");
  await reached("again", "done");
  await pushing.push(stranger, `+${asked}:refs/heads/again`);
  await reached("again", "parked");
  expect(body("again")).toContain(`${address(stranger)} did`);
});

test("a lead who merges another person's commits requests nothing", async () => {
  const { owner, pushing, person, write, reached, send, far } = await prepare();
  const hour = new Date(Date.now() - 7_200_000).toISOString();
  person.git("branch", "-f", "merged", "main");
  commitAs(person, address(owner), "feat: a gift\n\nState: ship\n", { branch: "merged", date: hour });
  pushing.kind = "pr_merge";
  await pushing.push(owner, "merged");
  pushing.kind = "push";
  await reached("merged", "parked");
  // The commit is on the trusted branch, and waits for a lead to create the branch that it names.
  const gift = write("gift", address(owner), "feat: a gift\n\nState: ship\nBranch: topic\n");
  pushing.kind = "pr_merge";
  await pushing.push(owner, `${gift}:refs/heads/main`);
  pushing.kind = "push";
  await pushing.push(owner, `${gift}:refs/heads/topic`);
  await send("push", { ref: "refs/heads/topic", ...eventBy(owner) });
  await reached("topic", "parked");
  expect(git(far, ["log", "-1", "--format=%B", "topic"])).toContain("the server does not report who pushed");
});

test("a response written by hand counts as a request of the pusher", async () => {
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
  // Imitating the first commit of a child does not help either.
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

test("imitating a runner's commit does not allow approving one's own request", async () => {
  const fixture = await prepare();
  const { owner, stranger, pushing, person, write, reached } = fixture;
  const kid = write("kid", address(stranger), "feat: kid\n\nState: gate\nParent: parent\n");
  approveAs(person, address(owner), kid, { branch: "kid" });
  await pushing.push(owner, "kid");
  const first = write("told", address(stranger), "feat: told\n\nState: check\n");
  const told = write("told", address(stranger), `check: x\n\nState: gate\nAnswers: ${first}\n`, first);
  approveAs(person, address(owner), told, { branch: "told" });
  await pushing.push(owner, "told");
  // Without a known requester, an approver cannot be proven to be another person.
  const merged = write("merged", address(stranger), "feat: merged\n\nState: gate\n");
  pushing.kind = "pr_merge";
  await pushing.push(owner, "merged");
  pushing.kind = "push";
  approveAs(person, address(owner), merged, { branch: "merged" });
  await pushing.push(owner, "merged");
  // The branch that is scanned last is processed; these still wait.
  write("zz-last", address(stranger), "feat: last\n\nState: ship\n");
  await pushing.push(owner, "zz-last");
  await reached("zz-last", "done");
  expect(["kid", "told", "merged"].map((branch) => stateOn(fixture, branch))).toEqual(["", "", ""]);
});
