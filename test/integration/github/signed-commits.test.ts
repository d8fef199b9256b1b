/**
 * Answers that GitHub makes and signs, from end to end: the App on a real repository, a GitHub that
 * really makes the commits there, and what becomes of an answer when it does not.
 */
import { expect, test } from "vitest";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { openClient } from "../../../src/github/api/client.ts";
import { openCommitSigner } from "../../../src/github/api/signed-commits.ts";
import { parseSha, type Sha } from "../../../src/core/protocol/ids.ts";
import { NAME, OWNER, startFakeGithub, type FakeGithub } from "../../support/fake-github.ts";
import { TestSigner, type Made } from "../../support/fake-signer.ts";
import { git, makeRepo, type Repo } from "../../support/temp-repo.ts";
import {
  eventBy,
  openIssue,
  serveApp,
  startApp,
  stateOn,
  type Scene,
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

type Signed = Scene & { readonly said: () => string; readonly testSigner: TestSigner };

async function serveSigned(person: Repo): Promise<Signed> {
  const scene = await serveApp(person, { signed: true });
  const testSigner = new TestSigner(scene.far);
  scene.fakeGithub.also(testSigner.answer);
  return { ...scene, testSigner, said: () => scene.said.join("\n") };
}

/** The same by the program that people start. */
async function startSigned(person: Repo): Promise<Signed> {
  const scene = await startApp(person, "--signed");
  const testSigner = new TestSigner(scene.far);
  scene.fakeGithub.also(testSigner.answer);
  return { ...scene, testSigner };
}

/** Labels a new issue; the branch of its work. */
async function begin(scene: Scene, state: string): Promise<string> {
  const issue = await openIssue(scene, "It should greet", "Please.");
  const label = { name: `state:${state}` };
  expect(await scene.send("issues", { action: "labeled", issue, label, ...eventBy(scene.owner) })).toBe(202);
  return `trailhand/issue-${issue.number}`;
}

const unsigned = ({ far }: Scene) => git(far, ["for-each-ref", "refs/trailhand/unsigned"]);
const idOf = ({ far }: Scene, name: string) => git(far, ["rev-parse", name]).trim();
const asked = ({ fakeGithub }: Scene) => fakeGithub.asked.filter(({ path }) => MAKE.path.test(path));

const SIMPLE =
  "states:\n  work: { next: review, retries: 0 }\n  review: { human: true, next: [done, work] }\n";

test("an answer is made and signed by GitHub, and put in its place by the fenced push", async () => {
  const scene = await startSigned(makePerson(SIMPLE, { work: WORK }));
  const branch = await begin(scene, "work");
  await until("the answer", () => stateOn(scene, branch) === "review");
  expect(scene.testSigner.hasSigned(branch)).toBe(true);
  // The script's own commit and the request stay whose they are.
  expect(scene.testSigner.hasSigned(`${branch}~1`)).toBe(false);
  const who = git(scene.far, ["log", "-1", "--format=%cn %b", branch]);
  expect(who).toMatch(/^GitHub /);
  expect(who).toContain("Grüße, it is written.");
  expect(git(scene.far, ["show", `${branch}:work.txt`])).toBe("It should greet\nmore\n");
  expect(asked(scene)).toHaveLength(1);
  expect(asked(scene)[0]?.body).toMatchObject({
    tree: idOf(scene, `${branch}^{tree}`),
    parents: [idOf(scene, `${branch}~1`)],
  });
  expect(unsigned(scene)).toBe("");
  expect(git(scene.far, ["for-each-ref", "refs/trailhand/leases"])).toBe("");
  expect(scene.said()).not.toContain("without a signature");
});

test("where GitHub refuses, the answer goes out unsigned, and that is told", async () => {
  const scene = await serveSigned(makePerson(SIMPLE, { work: WORK }));
  scene.fakeGithub.trouble({
    ...MAKE,
    status: 403,
    message: "Resource not accessible by integration",
    times: 99,
  });
  const branch = await begin(scene, "work");
  await until("the answer", () => stateOn(scene, branch) === "review");
  expect(scene.testSigner.hasSigned(branch)).toBe(false);
  expect(git(scene.far, ["show", `${branch}:work.txt`])).toBe("It should greet\nmore\n");
  const told = scene
    .said()
    .split("\n")
    .filter((text) => text.includes("without a signature"));
  expect(told).toEqual([expect.stringContaining("403: Resource not accessible")]);
  expect(told[0]).toContain(`${OWNER}/${NAME}: `);
  expect(unsigned(scene)).toBe("");
});

/** GitHub as a notary, without the App. */
async function openDouble(fakeGithub: FakeGithub) {
  const sleeps: number[] = [];
  const { request } = await openClient({
    throttle: new RequestThrottle(() => 0),
    baseUrl: fakeGithub.url,
    token: () => Promise.resolve("token"),
    sleep: (ms) => Promise.resolve(void sleeps.push(ms)),
  });
  return { testSigner: openCommitSigner(request, { owner: OWNER, name: NAME }), sleeps };
}

test("a GitHub that does not answer for a moment is waited for, and may have made it twice", async () => {
  const { dir } = makeRepo();
  const [fakeGithub, real] = [await startFakeGithub(), new TestSigner(dir)];
  fakeGithub.also(real.answer);
  fakeGithub.trouble({ ...MAKE, status: 502, runs: true });
  fakeGithub.trouble({ ...MAKE, status: 0 });
  const { testSigner, sleeps } = await openDouble(fakeGithub);
  const [tree, parent] = git(dir, ["log", "-1", "--format=%T %H"]).trim().split(" ") as [Sha, Sha];
  const made = await testSigner({ tree, parents: [parent], message: "feat: x\n" });
  expect(real.hasSigned(made.kind === "signed" ? made.id : "")).toBe(true);
  expect(fakeGithub.asked.map(({ status }) => status)).toEqual([502, 0, 201]);
  expect(sleeps.length).toBeGreaterThanOrEqual(2);
  expect(await testSigner({ tree: parent, parents: [parent], message: "feat: x\n" })).toEqual({
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
  ["what is verified", GOOD, { kind: "signed", id: SHA, payload: "p", signature: "s" }],
  [
    "what is not verified",
    { ...GOOD, verification: { ...GOOD.verification, verified: false, reason: "un\u001b[1msigned" } },
    { kind: "failed", why: "GitHub did not sign the commit: unsigned" },
  ],
  [
    "what has no payload",
    { ...GOOD, verification: { ...GOOD.verification, payload: null } },
    { kind: "failed", why: "GitHub did not sign the commit: valid" },
  ],
  [
    "what has no signature",
    { ...GOOD, verification: { ...GOOD.verification, signature: null } },
    { kind: "failed", why: "GitHub did not sign the commit: valid" },
  ],
  ["no id", { ...GOOD, sha: "--all" }, { kind: "failed", why: "GitHub's response cannot be read" }],
  ["nothing", {}, { kind: "failed", why: "GitHub's response cannot be read" }],
])("%s is read from GitHub's answer as it is", async (_, data, read) => {
  const fakeGithub = await startFakeGithub();
  fakeGithub.also((method) => (method === "POST" ? { status: 201, data } : undefined));
  const { testSigner } = await openDouble(fakeGithub);
  expect(await testSigner(CONTENT)).toEqual(read);
  // An author of our own would keep GitHub from signing.
  expect(fakeGithub.asked[0]?.body).toEqual(CONTENT);
});

test.each([
  [404, { kind: "failed", why: "GitHub refused the commit with status 404: Not Found" }],
  [422, { kind: "unsuitable", why: "GitHub rejects such a commit: Not Found" }],
])("a refusal with %s is told in GitHub's words", async (status, told) => {
  const fakeGithub = await startFakeGithub();
  const { testSigner } = await openDouble(fakeGithub);
  fakeGithub.trouble({ ...MAKE, status, message: "Not\u202e Found" });
  expect(await testSigner(CONTENT)).toEqual(told);
});

test("limits and outages are told without what is new in each of them", async () => {
  const fakeGithub = await startFakeGithub();
  const { testSigner, sleeps } = await openDouble(fakeGithub);
  const limit = { headers: { "retry-after": "7200" }, message: "request ID 12AB:34" };
  fakeGithub.trouble({ ...MAKE, status: 403, ...limit });
  expect(await testSigner(CONTENT)).toEqual({ kind: "failed", why: "GitHub's rate limit is reached" });
  fakeGithub.trouble({ ...MAKE, status: 502, times: 99 });
  const patient = await openDouble(fakeGithub);
  expect(await patient.testSigner(CONTENT)).toEqual({ kind: "failed", why: "GitHub cannot be reached" });
  expect(sleeps).toEqual([]);
  expect(patient.sleeps.length).toBeGreaterThan(3);
});
