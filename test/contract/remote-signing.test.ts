/**
 * Commits that the server recreates and signs, at a real remote: what is uploaded for it, which of its
 * replies count, and what happens when it does not sign.
 */
import { describe, expect, test } from "vitest";
import { command as gc } from "../../src/cli/commands/gc.ts";
import type { Ref, Sha } from "../../src/core/protocol/ids.ts";
import { unsignedRef } from "../../src/core/protocol/refs.ts";
import type { SignedCommit, CommitSigner } from "../../src/core/protocol/signed-commit.ts";
import type { RemoteRepository } from "../../src/git/remote/remote-repository.ts";
import type { SigningOptions } from "../../src/git/remote/server-signing.ts";
import { Runner } from "../../src/engine/runner.ts";
import type { Workspace } from "../../src/app/workspace.ts";
import { openWorkspace } from "../../src/app/open-workspace.ts";
import { createRunner } from "../../src/app/create-runner.ts";
import { callOf, terminalTo } from "../support/call-command.ts";
import {
  beforeGit,
  addCommit,
  hook,
  makeRemoteFixture,
  TRANSPORTS,
  valueOf,
  watchGit,
  type RemoteFixture,
  type Transport,
} from "../support/remote-workspace.ts";
import { TestSigner, type Made } from "../support/fake-signer.ts";
import { ask, remoteOptions, sideRefs, trailerOf } from "../support/bare-remote.ts";
import { until } from "../support/until.ts";

const MESSAGE = "trailhand: work is done, review is next\n\nGrüße.\n\nState: review\n";
const TOPIC = "refs/heads/topic" as Ref;

interface SigningFixture {
  readonly fixture: RemoteFixture;
  readonly workspace: Workspace;
  readonly refs: RemoteRepository;
  readonly testSigner: TestSigner;
  /** The subjects of the commits that the server was asked to sign. */
  readonly requested: readonly string[];
  readonly warnings: readonly string[];
  /** A commit of the runner, with a new tree on top of a new commit. */
  readonly base: Sha;
  readonly tree: Sha;
  commit(message?: string): Promise<Sha>;
  apply(commit: Sha, expected?: Sha): Promise<string>;
}

type FixtureOptions = Partial<SigningOptions> & { readonly files?: Readonly<Record<string, string>> };

/** Calls the signing server of the test directly, without an API. */
const commitSignerOf = (signer: TestSigner, requested: string[]): CommitSigner => {
  return (content) => {
    requested.push(content.message.split("\n")[0] ?? "");
    const { status, data } = signer.answer("POST", "/git/commits", content) ?? { status: 404, data: {} };
    if (status !== 201) return Promise.resolve({ kind: "unsuitable", why: (data as Error).message });
    const { sha, verification } = data as Made;
    const { payload, signature } = verification as { payload: string; signature: string };
    return Promise.resolve({ kind: "signed", id: sha as Sha, payload, signature });
  };
};

async function makeSigningFixture(
  transport: Transport,
  { files, ...change }: FixtureOptions = {},
): Promise<SigningFixture> {
  const fixture = await makeRemoteFixture(transport, files);
  const signer = new TestSigner(fixture.remote.dir);
  const requested: string[] = [];
  const warnings: string[] = [];
  const say = (text: string) => void warnings.push(text);
  const signing = { signer: commitSignerOf(signer, requested), warn: say, backoffMs: 0, ...change };
  const site = await openWorkspace(fixture.person.dir, fixture.machine("one"), { remote: "origin", signing });
  const refs = site.remote as RemoteRepository;
  await refs.listRefs();
  const base = (await refs.location.git.text(["rev-parse", "main"])).trim() as Sha;
  const blob = await refs.location.git.text(["hash-object", "-w", "--stdin"], { stdin: "new\n" });
  const line = `100644 blob ${blob.trim()}\tnew.txt\n`;
  const tree = (await refs.location.git.text(["mktree"], { stdin: line })).trim() as Sha;
  const commit = (message = MESSAGE) => refs.commit(tree, base, message);
  const place = async (next: Sha, expected?: Sha) => {
    const swap = await refs.swap([{ ref: TOPIC, expected: expected ?? null, next }]);
    return swap.kind;
  };
  return {
    fixture,
    workspace: site,
    refs,
    testSigner: signer,
    requested,
    warnings,
    base,
    tree,
    commit,
    apply: place,
  };
}

const unsigned = ({ fixture }: SigningFixture): string[] => sideRefs(fixture, "unsigned/");
const bodyOf = ({ refs }: SigningFixture, commit: Sha) =>
  refs.location.git.text(["log", "-1", "--format=%T %P%n%B", commit]);

describe.each(TRANSPORTS)("by %s, a signed commit", (transport) => {
  test("has our content and a signature; one push uploads it, and the swap deletes the temporary ref", async () => {
    const signing = await makeSigningFixture(transport);
    const calls = watchGit();
    const commit = await signing.commit();
    expect(signing.testSigner.hasSigned(commit)).toBe(true);
    expect(await bodyOf(signing, commit)).toBe(`${signing.tree} ${signing.base}\n${MESSAGE}\n`);
    expect(unsigned(signing)).toHaveLength(1);
    expect(await signing.apply(commit)).toBe("landed");
    expect(valueOf(signing.fixture, TOPIC)).toBe(commit);
    expect(unsigned(signing)).toEqual([]);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(2);
    expect(calls.filter(({ args }) => args[0] === "fetch")).toEqual([]);
    // The ref is not deleted twice.
    await signing.refs.swap([{ ref: "refs/heads/born" as Ref, expected: null, next: commit }]);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(3);
    expect(signing.warnings).toEqual([]);
  });

  test("is fetched if its parts do not recreate it, and is not used if it cannot be fetched", async () => {
    const signing = await makeSigningFixture(transport);
    const lies = [{ signature: "-----BEGIN PGP SIGNATURE-----\nx\n" }, { payload: "no commit\n\nat all" }];
    let fetched: Sha | undefined;
    for (const lie of lies) {
      signing.testSigner.misreport = (made) => ({ ...made, verification: { ...made.verification, ...lie } });
      const before = fetched;
      fetched = await signing.commit(`${MESSAGE}Lie: ${Object.keys(lie).join()}\n`);
      expect(signing.testSigner.hasSigned(fetched)).toBe(true);
      expect(await signing.apply(fetched, before)).toBe("landed");
    }
    signing.testSigner.misreport = (made) => ({ ...made, sha: "1".repeat(40) });
    const own = await signing.commit("trailhand: another\n");
    expect(signing.warnings).toEqual([expect.stringContaining("cannot be fetched")]);
    expect(await bodyOf(signing, own)).toContain("trailhand: another\n");
    expect(await signing.apply(own, fetched)).toBe("landed");
    expect(unsigned(signing)).toEqual([]);
  });

  test.each([
    ["message", { message: "feat: of mine\n\nState: done\n" }],
    ["tree", { tree: "4b825dc642cb6eb9a060e54bf8d69288fbee4904" }],
    ["parents", { parents: [] }],
  ])("with another %s is rejected, whether its parts are returned or it is fetched", async (_, other) => {
    const signing = await makeSigningFixture(transport);
    signing.fixture.remote.git("hash-object", "-t", "tree", "-w", "/dev/null");
    signing.testSigner.mishear = (given) => ({ ...given, ...other });
    const reported = await signing.commit();
    signing.testSigner.misreport = (made) => ({
      ...made,
      verification: { ...made.verification, payload: "" },
    });
    const fetched = await signing.commit();
    for (const commit of [reported, fetched]) {
      expect(await bodyOf(signing, commit)).toBe(`${signing.tree} ${signing.base}\n${MESSAGE}\n`);
      expect(signing.testSigner.hasSigned(commit)).toBe(false);
    }
    expect(signing.warnings).toEqual([expect.stringContaining("created a different commit")]);
  });
});

describe("the content of the commit", () => {
  test("is not uploaded if the server has it: the tree of a head, or a commit that it signed", async () => {
    const signing = await makeSigningFixture("files");
    const calls = watchGit();
    const first = await signing.refs.commit(signing.base, signing.base, MESSAGE);
    const second = await signing.refs.commit(first, first, "trailhand: a child\n");
    expect([first, second].map((item) => signing.testSigner.hasSigned(item))).toEqual([true, true]);
    expect(calls.filter(({ args }) => args[0] === "push")).toEqual([]);
    expect(signing.requested).toHaveLength(2);
  });

  test("is uploaded if the server reports that it lacks it", async () => {
    const unfit: SignedCommit = { kind: "unsuitable", why: "Tree SHA does not exist" };
    let lacking = 1;
    let requested = 0;
    const signing = await makeSigningFixture("files", { signer: (content) => signer(content) });
    const real = commitSignerOf(signing.testSigner, []);
    const signer: CommitSigner = (content) =>
      requested++ < lacking ? Promise.resolve(unfit) : real(content);
    const calls = watchGit();
    const commit = await signing.refs.commit(signing.base, signing.base, MESSAGE);
    expect(signing.testSigner.hasSigned(commit)).toBe(true);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(1);
    // One more time only.
    [requested, lacking] = [0, 9];
    const own = await signing.refs.commit(signing.base, signing.base, "trailhand: x\n");
    expect(signing.testSigner.hasSigned(own)).toBe(false);
    expect(requested).toBe(2);
  });

  test("is uploaded if its tree is not that of its parent, or its parent is not on a ref", async () => {
    const signing = await makeSigningFixture("files");
    const calls = watchGit();
    await signing.refs.commit(signing.tree, signing.base, MESSAGE);
    const note = await signing.refs.note("a commit of this machine alone\n");
    const commit = await signing.refs.commit(note, note, MESSAGE);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(2);
    expect(signing.requested).toHaveLength(2);
    expect(signing.testSigner.hasSigned(commit)).toBe(true);
  });

  test.each([
    ["cut", { status: 502, text: "a moment" }],
    ["lost before the reply", "lose"],
  ] as const)("is pushed again after a line that is %s", async (_, what) => {
    const signing = await makeSigningFixture("http");
    signing.fixture.server?.trouble("git-receive-pack", what, { times: 1 });
    const commit = await signing.commit();
    expect(signing.testSigner.hasSigned(commit)).toBe(true);
    expect(await signing.apply(commit)).toBe("landed");
    expect(unsigned(signing)).toEqual([]);
    expect(signing.warnings).toEqual([]);
  });

  test("is uploaded below the prefix of the workflow", async () => {
    const prefix = "refs/tags/trailhand";
    const files = {
      "states/workflow.yml": `refs: { prefix: ${prefix} }\nstates: { work: { next: done } }\n`,
    };
    const signing = await makeSigningFixture("files", {
      files: { ...files, "states/work": "#!/bin/sh\ntrue\n" },
    });
    const commit = await signing.commit();
    const names = signing.fixture.remote.git("for-each-ref", "--format=%(refname)");
    expect(names).toContain(`${prefix}/unsigned/`);
    expect(names).not.toContain("refs/trailhand");
    await signing.apply(commit);
    expect(signing.fixture.remote.git("for-each-ref", "--format=%(refname)")).not.toContain("unsigned");
  });
});

describe("a server that does not sign", () => {
  test("is reported once for each reason, and again after a signature", async () => {
    const fault: SignedCommit = { kind: "failed", why: "GitHub refused the commit with status 403: no" };
    let now: SignedCommit | undefined = fault;
    const signing = await makeSigningFixture("files", { signer: (content) => signer(content) });
    const real = commitSignerOf(signing.testSigner, []);
    const signer: CommitSigner = (content) => (now ? Promise.resolve(now) : real(content));
    const commit = (text: string) => signing.commit(`trailhand: ${text}\n`);
    await commit("one");
    await commit("two");
    expect(signing.warnings).toEqual([
      "A response is written without a signature: GitHub refused the commit with status 403: no",
    ]);
    now = { kind: "failed", why: "GitHub cannot be reached" };
    await commit("three");
    expect(signing.warnings).toHaveLength(2);
    now = undefined;
    expect(signing.testSigner.hasSigned(await commit("four"))).toBe(true);
    now = fault;
    await commit("five");
    expect(signing.warnings).toHaveLength(3);
  });

  test("does not hold up a response with an error of the signer", async () => {
    const signing = await makeSigningFixture("files", {
      signer: () => Promise.reject(new Error("it broke")),
    });
    const commit = await signing.commit();
    expect(await signing.apply(commit)).toBe("landed");
    expect(signing.warnings).toEqual([expect.stringContaining("it broke")]);
    expect(unsigned(signing)).toEqual([]);
  });

  test("is given up after a time limit, and the temporary ref is deleted", async () => {
    const signing = await makeSigningFixture("files", {
      signer: () => new Promise(() => undefined),
      timeoutMs: 1000,
    });
    const commit = await signing.commit();
    expect(signing.warnings).toEqual([expect.stringContaining("within 1 s")]);
    expect(unsigned(signing)).toEqual([unsignedRef(commit)]);
    expect(await signing.apply(commit)).toBe("landed");
    expect(unsigned(signing)).toEqual([]);
  });

  test("is given up after the same time limit without a connection", async () => {
    const signing = await makeSigningFixture("http", { timeoutMs: 300 });
    signing.fixture.server?.trouble("git-receive-pack", "cut");
    const commit = await signing.commit();
    await until("it pushed", () => signing.fixture.server?.count("git-receive-pack") !== 0);
    signing.fixture.server?.heal();
    expect(await signing.apply(commit)).toBe("landed");
    // A late upload would push within this time.
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    expect(signing.requested).toEqual([]);
    expect(unsigned(signing)).toEqual([]);
  });

  test("is not asked again for a while: a response may consist of many commits", async () => {
    let requested = 0;
    const refusing: CommitSigner = () => {
      requested++;
      return Promise.resolve({ kind: "failed", why: "no" });
    };
    const signing = await makeSigningFixture("files", { backoffMs: 60_000, signer: refusing });
    for (const text of ["one", "two", "three"]) await signing.commit(`trailhand: ${text}\n`);
    expect(requested).toBe(1);
  });

  test("is not asked when a foreign ref has the temporary name, and the ref is left alone", async () => {
    const signing = await makeSigningFixture("files");
    const other = addCommit(signing.fixture, "other", "a stranger's");
    const own = await signing.refs.commit(signing.base, signing.base, MESSAGE);
    expect(signing.testSigner.hasSigned(own)).toBe(true);
    const calls = watchGit();
    beforeGit((args) => {
      const ref = args.find((item) => item.includes(":refs/trailhand/unsigned/"))?.split(":")[1];
      if (args[0] === "push" && ref) signing.fixture.remote.git("update-ref", ref, other);
    });
    const commit = await signing.commit();
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(1);
    expect(signing.warnings).toHaveLength(1);
    expect(signing.requested).toHaveLength(1);
    expect(await signing.apply(commit)).toBe("landed");
    expect(unsigned(signing)).toHaveLength(1);
  });

  test("cannot get unsigned commits past a rule that requires signatures", async () => {
    const signing = await makeSigningFixture("files");
    const rule = 'case "$1" in refs/heads/*) git cat-file commit "$3" | grep -q "^gpgsig " || exit 1 ;; esac';
    hook(signing.fixture, "update", rule);
    expect(await signing.apply(await signing.commit())).toBe("landed");
    const bare = await signing.refs.note("unsigned\n");
    expect(await signing.apply(bare, valueOf(signing.fixture, TOPIC) as Sha)).toBe("blocked");
  });

  test("is reported when it rejects the temporary ref, and gets the response", async () => {
    const signing = await makeSigningFixture("files");
    hook(signing.fixture, "update", 'case "$1" in */unsigned/*) echo "not here"; exit 1 ;; esac');
    const commit = await signing.commit();
    expect(signing.warnings).toEqual([expect.stringMatching(/hook declined.*not here/)]);
    expect(signing.requested).toEqual([]);
    expect(await signing.apply(commit)).toBe("landed");
  });
});

describe("the temporary ref", () => {
  test("does not hold up a response when it is gone or undeletable", async () => {
    const signing = await makeSigningFixture("files");
    const first = await signing.commit();
    for (const ref of unsigned(signing)) signing.fixture.remote.git("update-ref", "-d", ref);
    expect(await signing.apply(first)).toBe("landed");
    const second = await signing.commit("trailhand: another\n");
    hook(signing.fixture, "update", 'case "$1$3" in */unsigned/*00000000) echo "kept"; exit 1 ;; esac');
    expect(await signing.apply(second, first)).toBe("landed");
    expect(unsigned(signing)).toHaveLength(1);
  });

  test("stays until its response is applied", async () => {
    const signing = await makeSigningFixture("files");
    const commit = await signing.commit();
    const other = addCommit(signing.fixture, "topic", "a person's");
    expect(await signing.apply(commit)).toBe("refused");
    expect(unsigned(signing)).toHaveLength(1);
    expect(await signing.apply(commit, other)).toBe("landed");
    expect(unsigned(signing)).toEqual([]);
  });
});

const FAMILY = `start: [split, piece, work]
states:
  split: { next: gather, children: 4, retries: 0 }
  piece: { next: done, retries: 0 }
  work: { next: done, land: true, answers: work, lane: one, retries: 0 }
  gather: { human: true, next: done }
lanes: { one: 1 }
`;
const SPLIT = `#!/bin/sh
echo split >split.txt
echo 'children=[{"key":"a","state":"piece"},{"key":"b","state":"piece"}]' >>"$TRAILHAND_OUTPUT"
`;
const LAND = `#!/bin/sh
{ echo "land=$(git commit-tree -p "$TRAILHAND_TARGET_COMMIT" -m "feat: landed" "$TRAILHAND_COMMIT^{tree}")"
  printf '%s\\n' "$TRAILHAND_MEMBERS" | while read -r commit branch rest; do
    echo "answers=[{\\"branch\\": \\"$branch\\", \\"commit\\": \\"$commit\\", \\"state\\": \\"done\\"}]"
  done
} >"$TRAILHAND_OUTPUT"
`;
const FILES = {
  "states/workflow.yml": FAMILY,
  "states/split": SPLIT,
  "states/piece": "#!/bin/sh\ntrue\n",
  "states/work": LAND,
};

async function runOnce({ fixture, workspace: site }: SigningFixture): Promise<void> {
  const { ports, dispose } = createRunner(site, fixture.machine("one"), () => undefined);
  await new Runner(ports, { ...remoteOptions, shared: false }).run();
  await dispose();
}

describe("a runner", () => {
  test("gets responses, first commits of children and responses to other branches signed", async () => {
    const signing = await makeSigningFixture("http", { files: FILES });
    const { fixture, testSigner: signer } = signing;
    const requests = ["one", "two"].map((branch) =>
      ask(fixture, branch, "feat: a thing\n\nPlease.\n\nState: work\n"),
    );
    ask(fixture, "family", "feat: a thing\n\nPlease.\n\nState: split\n");
    await runOnce(signing);
    const children = ["family.a", "family.b"];
    for (const commit of ["one", "two", "family", ...children, ...children.map((item) => `${item}~1`)]) {
      expect(signer.hasSigned(commit), commit).toBe(true);
    }
    expect(["one", "two"].map((branch) => trailerOf(fixture, branch, "Answers"))).toEqual(requests);
    expect(children.map((child) => trailerOf(fixture, child, "State"))).toEqual(["done", "done"]);
    expect(signing.requested).toHaveLength(7);
    expect(sideRefs(fixture).filter((ref) => !ref.includes("/archive/"))).toEqual([]);
    expect(signing.warnings).toEqual([]);
  });

  test("that died before pushing the response leaves a ref, which gc deletes after the answer", async () => {
    const signing = await makeSigningFixture("files", { files: FILES });
    const { fixture, refs } = signing;
    const request = ask(fixture, "topic", "feat: a thing\n\nPlease.\n\nState: piece\n") as Sha;
    await refs.listRefs();
    await refs.commit(
      signing.tree,
      request,
      `trailhand: x\n\nState: done\nBranch: topic\nAnswers: ${request}\n`,
    );
    await refs.commit(signing.tree, request, "trailhand: a child\n\nState: done\nBranch: topic.gone\n");
    const [item, two] = unsigned(signing);
    expect(two).toBeDefined();
    const collect = async (...more: string[]) => {
      let warnings = "";
      const env = fixture.machine("two");
      const terminal = terminalTo((text) => void (warnings += text), env);
      await gc.run(callOf(gc, ["--remote", "origin", ...more], fixture.person.dir, { env, terminal }));
      return warnings;
    };
    // A commit of a response that was never applied may be all that exists of a run.
    const kept = await collect("--prune", "--keep-days", "0");
    expect(kept).toContain("its branch is gone");
    expect(unsigned(signing)).toHaveLength(1);
    expect([item, two]).toContain(unsigned(signing)[0]);
    await runOnce(signing);
    expect(trailerOf(fixture, "topic", "State")).toBe("done");
    expect(unsigned(signing)).toHaveLength(1);
    expect(await collect("--prune")).toContain("0 removed");
    expect(await collect("--prune", "--keep-days", "0")).toContain("its request is answered");
    expect(unsigned(signing)).toEqual([]);
  });
});
