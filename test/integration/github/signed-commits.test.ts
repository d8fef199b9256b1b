/**
 * Responses that GitHub creates and signs, end to end: the App on a real repository, and a GitHub that
 * creates real commits there or refuses to.
 */
import { expect, test } from "vitest";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { openClient } from "../../../src/github/api/client.ts";
import { openCommitSigner } from "../../../src/github/api/signed-commits.ts";
import { parseSha, type Sha } from "../../../src/core/protocol/ids.ts";
import { NAME, OWNER, startFakeGitHub, type FakeGitHub } from "../../support/fake-github.ts";
import { TestSigner, type Made } from "../../support/fake-signer.ts";
import { git, makeRepo, type Repo } from "../../support/temp-repo.ts";
import {
  eventBy,
  openIssue,
  serveApp,
  startApp,
  stateOn,
  type GitHubFixture,
} from "../../support/github/github-fixture.ts";
import { until } from "../../support/until.ts";

const MAKE = { method: "POST", path: /\/git\/commits$/ };
const WORK = `#!/bin/sh
echo "$TRAILHAND_SUBJECT" >work.txt
git add work.txt && git commit -q -m "feat: by the script"
echo more >>work.txt
echo "summary=Grüße, it is written." >>"$TRAILHAND_OUTPUT"
`;
function makePerson(workflow: string, scripts: Readonly<Record<string, string>>): Repo {
  const person = makeRepo({ "states/workflow.yml": workflow });
  for (const [name, text] of Object.entries(scripts)) person.write(`states/${name}`, text, 0o755);
  person.commit("chore: states");
  return person;
}

type Signed = GitHubFixture & { readonly said: () => string; readonly signer: TestSigner };

async function serveSigned(person: Repo): Promise<Signed> {
  const fixture = await serveApp(person, { signed: true });
  const signer = new TestSigner(fixture.far);
  fixture.github.also(signer.answer);
  return { ...fixture, signer, said: () => fixture.said.join("\n") };
}

/** The same with the installed program. */
async function startSigned(person: Repo): Promise<Signed> {
  const fixture = await startApp(person, "--signed");
  const signer = new TestSigner(fixture.far);
  fixture.github.also(signer.answer);
  return { ...fixture, signer };
}

/** Labels a new issue. Returns the branch of its work. */
async function begin(fixture: GitHubFixture, state: string): Promise<string> {
  const issue = await openIssue(fixture, "It should greet", "Please.");
  const label = { name: `state:${state}` };
  expect(await fixture.send("issues", { action: "labeled", issue, label, ...eventBy(fixture.owner) })).toBe(
    202,
  );
  return `trailhand/issue-${issue.number}`;
}

const unsigned = ({ far }: GitHubFixture) => git(far, ["for-each-ref", "refs/trailhand/unsigned"]);
const idOf = ({ far }: GitHubFixture, name: string) => git(far, ["rev-parse", name]).trim();
const asked = ({ github }: GitHubFixture) => github.asked.filter(({ path }) => MAKE.path.test(path));

const SIMPLE =
  "states:\n  work: { next: review, retries: 0 }\n  review: { human: true, next: [done, work] }\n";

test("GitHub creates and signs a response, and the fenced push moves the branch", async () => {
  const fixture = await startSigned(makePerson(SIMPLE, { work: WORK }));
  const branch = await begin(fixture, "work");
  await until("the answer", () => stateOn(fixture, branch) === "review");
  expect(fixture.signer.hasSigned(branch)).toBe(true);
  // The script's own commit and the request keep their authors.
  expect(fixture.signer.hasSigned(`${branch}~1`)).toBe(false);
  const who = git(fixture.far, ["log", "-1", "--format=%cn %b", branch]);
  expect(who).toMatch(/^GitHub /);
  expect(who).toContain("Grüße, it is written.");
  expect(git(fixture.far, ["show", `${branch}:work.txt`])).toBe("It should greet\nmore\n");
  expect(asked(fixture)).toHaveLength(1);
  expect(asked(fixture)[0]?.body).toMatchObject({
    tree: idOf(fixture, `${branch}^{tree}`),
    parents: [idOf(fixture, `${branch}~1`)],
  });
  expect(unsigned(fixture)).toBe("");
  expect(git(fixture.far, ["for-each-ref", "refs/trailhand/leases"])).toBe("");
  expect(fixture.said()).not.toContain("without a signature");
});

test("when GitHub refuses, the response is written unsigned, and the reason is logged", async () => {
  const fixture = await serveSigned(makePerson(SIMPLE, { work: WORK }));
  fixture.github.trouble({
    ...MAKE,
    status: 403,
    message: "Resource not accessible by integration",
    times: 99,
  });
  const branch = await begin(fixture, "work");
  await until("the answer", () => stateOn(fixture, branch) === "review");
  expect(fixture.signer.hasSigned(branch)).toBe(false);
  expect(git(fixture.far, ["show", `${branch}:work.txt`])).toBe("It should greet\nmore\n");
  const told = fixture
    .said()
    .split("\n")
    .filter((text) => text.includes("without a signature"));
  expect(told).toEqual([expect.stringContaining("403: Resource not accessible")]);
  expect(told[0]).toContain(`${OWNER}/${NAME}: `);
  expect(unsigned(fixture)).toBe("");
});

/** The commit signer alone, without the App. */
async function openDouble(github: FakeGitHub) {
  const sleeps: number[] = [];
  const { request } = await openClient({
    throttle: new RequestThrottle(() => 0),
    baseUrl: github.url,
    token: () => Promise.resolve("token"),
    sleep: (ms) => Promise.resolve(void sleeps.push(ms)),
  });
  return { signer: openCommitSigner(request, { owner: OWNER, name: NAME }), sleeps };
}

test("a short outage is waited for, and may create the commit twice", async () => {
  const { dir } = makeRepo();
  const [github, real] = [await startFakeGitHub(), new TestSigner(dir)];
  github.also(real.answer);
  github.trouble({ ...MAKE, status: 502, runs: true });
  github.trouble({ ...MAKE, status: 0 });
  const { signer, sleeps } = await openDouble(github);
  const [tree, parent] = git(dir, ["log", "-1", "--format=%T %H"]).trim().split(" ") as [Sha, Sha];
  const made = await signer({ tree, parents: [parent], message: "feat: x\n" });
  expect(real.hasSigned(made.kind === "signed" ? made.id : "")).toBe(true);
  expect(github.asked.map(({ status }) => status)).toEqual([502, 0, 201]);
  expect(sleeps.length).toBeGreaterThanOrEqual(2);
  expect(await signer({ tree: parent, parents: [parent], message: "feat: x\n" })).toEqual({
    kind: "unsuitable",
    why: "GitHub rejects such a commit: Tree SHA does not exist",
  });
});

const SHA = parseSha("1".repeat(40)) as Sha;
const CONTENT = { tree: SHA, parents: [SHA], message: "feat: x\n" };
const GOOD: Made = {
  sha: SHA,
  verification: { verified: true, reason: "valid", signature: "s", payload: "p" },
};

test.each([
  ["a verified commit", GOOD, { kind: "signed", id: SHA, payload: "p", signature: "s" }],
  [
    "an unverified commit",
    { ...GOOD, verification: { ...GOOD.verification, verified: false, reason: "un\u001b[1msigned" } },
    { kind: "failed", why: "GitHub did not sign the commit: unsigned" },
  ],
  [
    "a commit without a payload",
    { ...GOOD, verification: { ...GOOD.verification, payload: null } },
    { kind: "failed", why: "GitHub did not sign the commit: valid" },
  ],
  [
    "a commit without a signature",
    { ...GOOD, verification: { ...GOOD.verification, signature: null } },
    { kind: "failed", why: "GitHub did not sign the commit: valid" },
  ],
  ["an invalid id", { ...GOOD, sha: "--all" }, { kind: "failed", why: "GitHub's response cannot be read" }],
  ["an empty response", {}, { kind: "failed", why: "GitHub's response cannot be read" }],
])("%s is read from GitHub's response", async (_, data, read) => {
  const github = await startFakeGitHub();
  github.also((method) => (method === "POST" ? { status: 201, data } : undefined));
  const { signer } = await openDouble(github);
  expect(await signer(CONTENT)).toEqual(read);
  // GitHub does not sign a commit with a given author.
  expect(github.asked[0]?.body).toEqual(CONTENT);
});

test.each([
  [404, { kind: "failed", why: "GitHub refused the commit with status 404: Not Found" }],
  [422, { kind: "unsuitable", why: "GitHub rejects such a commit: Not Found" }],
])("a refusal with %s is reported with GitHub's message", async (status, told) => {
  const github = await startFakeGitHub();
  const { signer } = await openDouble(github);
  github.trouble({ ...MAKE, status, message: "Not\u202e Found" });
  expect(await signer(CONTENT)).toEqual(told);
});

test("rate limits and outages are reported without the number of the request", async () => {
  const github = await startFakeGitHub();
  const { signer, sleeps } = await openDouble(github);
  const limit = { headers: { "retry-after": "7200" }, message: "request ID 12AB:34" };
  github.trouble({ ...MAKE, status: 403, ...limit });
  expect(await signer(CONTENT)).toEqual({ kind: "failed", why: "GitHub's rate limit is reached" });
  github.trouble({ ...MAKE, status: 502, times: 99 });
  const patient = await openDouble(github);
  expect(await patient.signer(CONTENT)).toEqual({ kind: "failed", why: "GitHub cannot be reached" });
  expect(sleeps).toEqual([]);
  expect(patient.sleeps.length).toBeGreaterThan(3);
});
