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
  grow,
  hook,
  makeFar,
  TRANSPORTS,
  valueOf,
  watchGit,
  type Far,
  type Transport,
} from "../support/remote-workspace.ts";
import { TestNotary, type Made } from "../support/fake-signer.ts";
import { ask, remoteOptions, sideRefs, trailerOf } from "../support/bare-remote.ts";
import { until } from "../support/until.ts";

const MESSAGE = "trailhand: work is done, review is next\n\nGrüße.\n\nState: review\n";
const TOPIC = "refs/heads/topic" as Ref;

interface Table {
  readonly far: Far;
  readonly site: Workspace;
  readonly refs: RemoteRepository;
  readonly notary: TestNotary;
  /** The subjects of the commits that the server was asked to sign. */
  readonly asked: readonly string[];
  readonly said: readonly string[];
  /** A commit of the runner, with a new tree on top of a new commit. */
  readonly base: Sha;
  readonly tree: Sha;
  commit(message?: string): Promise<Sha>;
  place(commit: Sha, expected?: Sha): Promise<string>;
}

type Change = Partial<SigningOptions> & { readonly files?: Readonly<Record<string, string>> };

/** Calls the signing server of the test directly, without an API. */
const notaryOf = (notary: TestNotary, asked: string[]): CommitSigner => {
  return (content) => {
    asked.push(content.message.split("\n")[0] ?? "");
    const { status, data } = notary.answer("POST", "/git/commits", content) ?? { status: 404, data: {} };
    if (status !== 201) return Promise.resolve({ kind: "unsuitable", why: (data as Error).message });
    const { sha, verification } = data as Made;
    const { payload, signature } = verification as { payload: string; signature: string };
    return Promise.resolve({ kind: "signed", id: sha as Sha, payload, signature });
  };
};

async function lay(transport: Transport, { files, ...change }: Change = {}): Promise<Table> {
  const far = await makeFar(transport, files);
  const notary = new TestNotary(far.remote.dir);
  const asked: string[] = [];
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const signing = { signer: notaryOf(notary, asked), warn: say, backoffMs: 0, ...change };
  const site = await openWorkspace(far.person.dir, far.machine("one"), { remote: "origin", signing });
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
  return { far, site, refs, notary, asked, said, base, tree, commit, place };
}

const unsigned = ({ far }: Table): string[] => sideRefs(far, "unsigned/");
const bodyOf = ({ refs }: Table, commit: Sha) =>
  refs.location.git.text(["log", "-1", "--format=%T %P%n%B", commit]);

describe.each(TRANSPORTS)("by %s, a signed commit", (transport) => {
  test("has our content and a signature; one push uploads it, and the swap deletes the temporary ref", async () => {
    const table = await lay(transport);
    const calls = watchGit();
    const commit = await table.commit();
    expect(table.notary.hasSigned(commit)).toBe(true);
    expect(await bodyOf(table, commit)).toBe(`${table.tree} ${table.base}\n${MESSAGE}\n`);
    expect(unsigned(table)).toHaveLength(1);
    expect(await table.place(commit)).toBe("landed");
    expect(valueOf(table.far, TOPIC)).toBe(commit);
    expect(unsigned(table)).toEqual([]);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(2);
    expect(calls.filter(({ args }) => args[0] === "fetch")).toEqual([]);
    // The ref is not deleted twice.
    await table.refs.swap([{ ref: "refs/heads/born" as Ref, expected: null, next: commit }]);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(3);
    expect(table.said).toEqual([]);
  });

  test("is fetched if its parts do not recreate it, and is not used if it cannot be fetched", async () => {
    const table = await lay(transport);
    const lies = [{ signature: "-----BEGIN PGP SIGNATURE-----\nx\n" }, { payload: "no commit\n\nat all" }];
    let fetched: Sha | undefined;
    for (const lie of lies) {
      table.notary.misreport = (made) => ({ ...made, verification: { ...made.verification, ...lie } });
      const before = fetched;
      fetched = await table.commit(`${MESSAGE}Lie: ${Object.keys(lie).join()}\n`);
      expect(table.notary.hasSigned(fetched)).toBe(true);
      expect(await table.place(fetched, before)).toBe("landed");
    }
    table.notary.misreport = (made) => ({ ...made, sha: "1".repeat(40) });
    const own = await table.commit("trailhand: another\n");
    expect(table.said).toEqual([expect.stringContaining("cannot be fetched")]);
    expect(await bodyOf(table, own)).toContain("trailhand: another\n");
    expect(await table.place(own, fetched)).toBe("landed");
    expect(unsigned(table)).toEqual([]);
  });

  test.each([
    ["message", { message: "feat: of mine\n\nState: done\n" }],
    ["tree", { tree: "4b825dc642cb6eb9a060e54bf8d69288fbee4904" }],
    ["parents", { parents: [] }],
  ])("with another %s is not believed, whether it is told of or fetched", async (_, other) => {
    const table = await lay(transport);
    table.far.remote.git("hash-object", "-t", "tree", "-w", "/dev/null");
    table.notary.mishear = (given) => ({ ...given, ...other });
    const told = await table.commit();
    table.notary.misreport = (made) => ({ ...made, verification: { ...made.verification, payload: "" } });
    const fetched = await table.commit();
    for (const commit of [told, fetched]) {
      expect(await bodyOf(table, commit)).toBe(`${table.tree} ${table.base}\n${MESSAGE}\n`);
      expect(table.notary.hasSigned(commit)).toBe(false);
    }
    expect(table.said).toEqual([expect.stringContaining("created a different commit")]);
  });
});

describe("the content of the commit", () => {
  test("is not uploaded if the server has it: the tree of a head, or a commit that it signed", async () => {
    const table = await lay("files");
    const calls = watchGit();
    const first = await table.refs.commit(table.base, table.base, MESSAGE);
    const second = await table.refs.commit(first, first, "trailhand: a child\n");
    expect([first, second].map((one) => table.notary.hasSigned(one))).toEqual([true, true]);
    expect(calls.filter(({ args }) => args[0] === "push")).toEqual([]);
    expect(table.asked).toHaveLength(2);
  });

  test("is uploaded if the server reports that it lacks it", async () => {
    const unfit: SignedCommit = { kind: "unsuitable", why: "Tree SHA does not exist" };
    let lacking = 1;
    let asked = 0;
    const table = await lay("files", { signer: (content) => notary(content) });
    const real = notaryOf(table.notary, []);
    const notary: CommitSigner = (content) => (asked++ < lacking ? Promise.resolve(unfit) : real(content));
    const calls = watchGit();
    const commit = await table.refs.commit(table.base, table.base, MESSAGE);
    expect(table.notary.hasSigned(commit)).toBe(true);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(1);
    // One more time only.
    [asked, lacking] = [0, 9];
    const own = await table.refs.commit(table.base, table.base, "trailhand: x\n");
    expect(table.notary.hasSigned(own)).toBe(false);
    expect(asked).toBe(2);
  });

  test("is uploaded if its tree is not that of its parent, or its parent is not on a ref", async () => {
    const table = await lay("files");
    const calls = watchGit();
    await table.refs.commit(table.tree, table.base, MESSAGE);
    const note = await table.refs.note("a commit of this machine alone\n");
    const commit = await table.refs.commit(note, note, MESSAGE);
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(2);
    expect(table.asked).toHaveLength(2);
    expect(table.notary.hasSigned(commit)).toBe(true);
  });

  test.each([
    ["cut", { status: 502, text: "a moment" }],
    ["cut before it was told", "lose"],
  ] as const)("is pushed again after a line that is %s", async (_, what) => {
    const table = await lay("http");
    table.far.served?.trouble("git-receive-pack", what, { times: 1 });
    const commit = await table.commit();
    expect(table.notary.hasSigned(commit)).toBe(true);
    expect(await table.place(commit)).toBe("landed");
    expect(unsigned(table)).toEqual([]);
    expect(table.said).toEqual([]);
  });

  test("is uploaded below the prefix of the workflow", async () => {
    const prefix = "refs/tags/trailhand";
    const files = {
      "states/workflow.yml": `refs: { prefix: ${prefix} }\nstates: { work: { next: done } }\n`,
    };
    const table = await lay("files", { files: { ...files, "states/work": "#!/bin/sh\ntrue\n" } });
    const commit = await table.commit();
    const names = table.far.remote.git("for-each-ref", "--format=%(refname)");
    expect(names).toContain(`${prefix}/unsigned/`);
    expect(names).not.toContain("refs/trailhand");
    await table.place(commit);
    expect(table.far.remote.git("for-each-ref", "--format=%(refname)")).not.toContain("unsigned");
  });
});

describe("a server that does not sign", () => {
  test("is reported once for each reason, and again after a signature", async () => {
    const fault: SignedCommit = { kind: "failed", why: "GitHub refused the commit with status 403: no" };
    let now: SignedCommit | undefined = fault;
    const table = await lay("files", { signer: (content) => notary(content) });
    const real = notaryOf(table.notary, []);
    const notary: CommitSigner = (content) => (now ? Promise.resolve(now) : real(content));
    const commit = (text: string) => table.commit(`trailhand: ${text}\n`);
    await commit("one");
    await commit("two");
    expect(table.said).toEqual([
      "A response is written without a signature: GitHub refused the commit with status 403: no",
    ]);
    now = { kind: "failed", why: "GitHub cannot be reached" };
    await commit("three");
    expect(table.said).toHaveLength(2);
    now = undefined;
    expect(table.notary.hasSigned(await commit("four"))).toBe(true);
    now = fault;
    await commit("five");
    expect(table.said).toHaveLength(3);
  });

  test("does not hold up a response with an error of the signer", async () => {
    const table = await lay("files", { signer: () => Promise.reject(new Error("it broke")) });
    const commit = await table.commit();
    expect(await table.place(commit)).toBe("landed");
    expect(table.said).toEqual([expect.stringContaining("it broke")]);
    expect(unsigned(table)).toEqual([]);
  });

  test("is given up after a time limit, and the temporary ref is deleted", async () => {
    const table = await lay("files", { signer: () => new Promise(() => undefined), timeoutMs: 1000 });
    const commit = await table.commit();
    expect(table.said).toEqual([expect.stringContaining("within 1 s")]);
    expect(unsigned(table)).toEqual([unsignedRef(commit)]);
    expect(await table.place(commit)).toBe("landed");
    expect(unsigned(table)).toEqual([]);
  });

  test("is given up after the same time limit without a connection", async () => {
    const table = await lay("http", { timeoutMs: 300 });
    table.far.served?.trouble("git-receive-pack", "cut");
    const commit = await table.commit();
    await until("it pushed", () => table.far.served?.count("git-receive-pack") !== 0);
    table.far.served?.heal();
    expect(await table.place(commit)).toBe("landed");
    // A late upload would push within this time.
    await new Promise((resolve) => {
      setTimeout(resolve, 1500);
    });
    expect(table.asked).toEqual([]);
    expect(unsigned(table)).toEqual([]);
  });

  test("is not asked again for a while: a response may consist of many commits", async () => {
    let asked = 0;
    const refusing: CommitSigner = () => {
      asked++;
      return Promise.resolve({ kind: "failed", why: "no" });
    };
    const table = await lay("files", { backoffMs: 60_000, signer: refusing });
    for (const text of ["one", "two", "three"]) await table.commit(`trailhand: ${text}\n`);
    expect(asked).toBe(1);
  });

  test("is not asked when a foreign ref has the temporary name, and the ref is left alone", async () => {
    const table = await lay("files");
    const other = grow(table.far, "other", "a stranger's");
    const own = await table.refs.commit(table.base, table.base, MESSAGE);
    expect(table.notary.hasSigned(own)).toBe(true);
    const calls = watchGit();
    beforeGit((args) => {
      const ref = args.find((one) => one.includes(":refs/trailhand/unsigned/"))?.split(":")[1];
      if (args[0] === "push" && ref) table.far.remote.git("update-ref", ref, other);
    });
    const commit = await table.commit();
    expect(calls.filter(({ args }) => args[0] === "push")).toHaveLength(1);
    expect(table.said).toHaveLength(1);
    expect(table.asked).toHaveLength(1);
    expect(await table.place(commit)).toBe("landed");
    expect(unsigned(table)).toHaveLength(1);
  });

  test("cannot get unsigned commits past a rule that requires signatures", async () => {
    const table = await lay("files");
    const rule = 'case "$1" in refs/heads/*) git cat-file commit "$3" | grep -q "^gpgsig " || exit 1 ;; esac';
    hook(table.far, "update", rule);
    expect(await table.place(await table.commit())).toBe("landed");
    const bare = await table.refs.note("nobody signed this\n");
    expect(await table.place(bare, valueOf(table.far, TOPIC) as Sha)).toBe("blocked");
  });

  test("is reported when it rejects the temporary ref, and gets the response", async () => {
    const table = await lay("files");
    hook(table.far, "update", 'case "$1" in */unsigned/*) echo "not here"; exit 1 ;; esac');
    const commit = await table.commit();
    expect(table.said).toEqual([expect.stringMatching(/hook declined.*not here/)]);
    expect(table.asked).toEqual([]);
    expect(await table.place(commit)).toBe("landed");
  });
});

describe("the temporary ref", () => {
  test("does not hold up a response when it is gone or undeletable", async () => {
    const table = await lay("files");
    const first = await table.commit();
    for (const ref of unsigned(table)) table.far.remote.git("update-ref", "-d", ref);
    expect(await table.place(first)).toBe("landed");
    const second = await table.commit("trailhand: another\n");
    hook(table.far, "update", 'case "$1$3" in */unsigned/*00000000) echo "kept"; exit 1 ;; esac');
    expect(await table.place(second, first)).toBe("landed");
    expect(unsigned(table)).toHaveLength(1);
  });

  test("stays until its response is applied", async () => {
    const table = await lay("files");
    const commit = await table.commit();
    const other = grow(table.far, "topic", "a person's");
    expect(await table.place(commit)).toBe("refused");
    expect(unsigned(table)).toHaveLength(1);
    expect(await table.place(commit, other)).toBe("landed");
    expect(unsigned(table)).toEqual([]);
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

async function work({ far, site }: Table): Promise<void> {
  const { ports, dispose } = createRunner(site, far.machine("one"), () => undefined);
  await new Runner(ports, { ...remoteOptions, shared: false }).run();
  await dispose();
}

describe("a runner", () => {
  test("gets responses, first commits of children and responses to other branches signed", async () => {
    const table = await lay("http", { files: FILES });
    const { far, notary } = table;
    const requests = ["one", "two"].map((branch) =>
      ask(far, branch, "feat: a thing\n\nPlease.\n\nState: work\n"),
    );
    ask(far, "family", "feat: a thing\n\nPlease.\n\nState: split\n");
    await work(table);
    const children = ["family.a", "family.b"];
    for (const commit of ["one", "two", "family", ...children, ...children.map((one) => `${one}~1`)]) {
      expect(notary.hasSigned(commit), commit).toBe(true);
    }
    expect(["one", "two"].map((branch) => trailerOf(far, branch, "Answers"))).toEqual(requests);
    expect(children.map((child) => trailerOf(far, child, "State"))).toEqual(["done", "done"]);
    expect(table.asked).toHaveLength(7);
    expect(sideRefs(far).filter((ref) => !ref.includes("/archive/"))).toEqual([]);
    expect(table.said).toEqual([]);
  });

  test("that died before pushing the response leaves a ref, which gc deletes after the answer", async () => {
    const table = await lay("files", { files: FILES });
    const { far, refs } = table;
    const request = ask(far, "topic", "feat: a thing\n\nPlease.\n\nState: piece\n") as Sha;
    await refs.listRefs();
    await refs.commit(
      table.tree,
      request,
      `trailhand: x\n\nState: done\nBranch: topic\nAnswers: ${request}\n`,
    );
    await refs.commit(table.tree, request, "trailhand: a child\n\nState: done\nBranch: topic.gone\n");
    const [one, two] = unsigned(table);
    expect(two).toBeDefined();
    const collect = async (...more: string[]) => {
      let said = "";
      const env = far.machine("two");
      const terminal = terminalTo((text) => void (said += text), env);
      await gc.run(callOf(gc, ["--remote", "origin", ...more], far.person.dir, { env, terminal }));
      return said;
    };
    // A commit of a response that was never applied may be all that exists of a run.
    const kept = await collect("--prune", "--keep-days", "0");
    expect(kept).toContain("its branch is gone");
    expect(unsigned(table)).toHaveLength(1);
    expect([one, two]).toContain(unsigned(table)[0]);
    await work(table);
    expect(trailerOf(far, "topic", "State")).toBe("done");
    expect(unsigned(table)).toHaveLength(1);
    expect(await collect("--prune")).toContain("0 removed");
    expect(await collect("--prune", "--keep-days", "0")).toContain("its request is answered");
    expect(unsigned(table)).toEqual([]);
  });
});
