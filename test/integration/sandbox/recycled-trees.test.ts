/** Trees of ended attempts, which later attempts take over, hold what a fresh checkout holds. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRunner } from "../../../src/app/create-runner.ts";
import { openWorkspace } from "../../../src/app/open-workspace.ts";
import { Runner } from "../../../src/engine/runner.ts";
import { ask } from "../../support/pack-fixture.ts";
import { environmentOf, plainOptions } from "../../support/run-runner.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

/** Enough files for a tree to be worth keeping. */
const LONG = "a-name-that-makes-the-index-large-".repeat(6);
const fileName = (number: number): string => `many/part-${number % 9}/${LONG}/file-${number}.txt`;
const FILES = Object.fromEntries(
  Array.from({ length: 700 }, (_, number) => [
    fileName(number),
    `content ${number}
`,
  ]),
);
const SETTINGS = "states:\n  work: { next: done, retries: 1, backoff: 1ms }\n";

/** The first attempt spoils its tree, and fails. The second one lists what it finds. */
const script = (spoil: string): string => `#!/bin/sh
stat -c %i ${fileName(0)} >"$TRAILHAND_CACHE/inode-$TRAILHAND_BRANCH-$TRAILHAND_ATTEMPT"
if [ "$TRAILHAND_BRANCH-$TRAILHAND_ATTEMPT" = topic-1 ]; then
${spoil}
exit 1
fi
{
  find . -path ./.git -prune -o -printf '%p %y %m %l\\n' | sort
  find . -path ./.git -prune -o -type f -print0 | sort -z | xargs -0 sha1sum
  git status --porcelain --ignored
} >"$TRAILHAND_CACHE/list-$TRAILHAND_BRANCH"
`;

interface Lists {
  /** What the attempt after the spoiled one found, and what one with a fresh checkout found. */
  readonly recycled: string;
  readonly fresh: string;
  /** True if files of the spoiled tree were used again. */
  readonly isReused: boolean;
}

function makeProject(spoil: string): Repo {
  const repo = makeRepo({
    ...FILES,
    "states/workflow.yml": SETTINGS,
    "states/work": script(spoil),
    ".gitignore": "*.log\nnode_modules/\n",
    "a/b/tracked.txt": "tracked\n",
    "a/program": "#!/bin/sh\n",
    "z.txt": "z\n",
  });
  repo.git("update-index", "--add", "--cacheinfo", `160000,${"1".repeat(40)},a/library`);
  repo.git("commit", "-q", "-m", "a submodule");
  return repo;
}

async function spoilAndList(spoil: string, env: Readonly<Record<string, string>> = {}): Promise<Lists> {
  const repo = makeProject(spoil);
  ask(repo, "fresh", "list it\n\nState: work\n");
  const shared = await runAll(repo, env);
  ask(repo, "topic", "spoil it\n\nState: work\n");
  await runAll(repo, env);
  const read = (name: string) => readFileSync(join(shared, "script-work", name), "utf8");
  return {
    recycled: read("list-topic"),
    fresh: read("list-fresh"),
    isReused: read("inode-topic-1") === read("inode-topic-2"),
  };
}

/** Runs all requests. Returns the folder of the caches of scripts. */
async function runAll(repo: Repo, env: Readonly<Record<string, string>>): Promise<string> {
  const all = { ...environmentOf(repo), TRAILHAND_SANDBOX: "", ...env };
  const workspace = await openWorkspace(repo.dir, all);
  const { ports, dispose } = createRunner(workspace, all, () => undefined);
  const summary = await new Runner(ports, plainOptions).run();
  expect(summary.faultCount).toBe(0);
  await dispose();
  return workspace.cache.shared;
}

describe("a tree that an attempt takes over", () => {
  it.each([
    [
      "untracked and ignored files, folders and links",
      "mkdir -p new/deep node_modules/x a/b/c; touch new/deep/f x.log node_modules/x/y a/b/c/d; ln -s /etc new/link; ln -s nowhere a/dangling; mkfifo a/pipe; : >'a/odd\nname'",
    ],
    [
      "edits of the same size, with the times put back",
      "for f in z.txt a/b/tracked.txt; do cp -p $f /tmp/old; tr a-z A-Z </tmp/old >$f; touch -r /tmp/old $f; done",
    ],
    [
      "a folder in the place of a file, and a file in the place of a folder",
      "rm -r a/b z.txt; echo x >a/b; mkdir -p z.txt/y; echo y >z.txt/y/z",
    ],
    [
      "links in the place of folders and files",
      "rm -r a z.txt many/part-1; ln -s many a; ln -s /etc many/part-1; ln -s .gitignore z.txt",
    ],
    [
      "nested repositories",
      "git init -q sub; git -C sub config core.fsmonitor /bin/false; mkdir -p a/b/.git/objects; echo 'ref: refs/heads/x' >a/b/.git/HEAD; echo 'gitdir: /etc' >many/part-3/.git",
    ],
    [
      "read-only, unreadable and odd modes",
      `chmod 0500 a/b; chmod 0000 many/part-2; chmod 1777 a; chmod 0600 z.txt; chmod +x ${fileName(9)}; mkdir ro; touch ro/x; chmod 0500 ro`,
    ],
    [
      "files of its own in a submodule",
      "touch a/library/x; git init -q a/library; git -C a/library config core.worktree /etc",
    ],
    [
      "attributes and rules of its own",
      "echo '* text eol=crlf' >a/.gitattributes; echo '* ident filter=x' >>.git/info/attributes; echo '!*' >many/.gitignore; rm z.txt a/b/tracked.txt",
    ],
    [
      "a changed index, and flags that hide changes",
      "echo Z >z.txt; git update-index --assume-unchanged z.txt; echo T >a/b/tracked.txt; git update-index --skip-worktree a/b/tracked.txt; git rm -q --cached a/program; git config core.worktree /tmp",
    ],
    [
      "names in another case and hard links",
      `cp z.txt Z.TXT; ln z.txt hard; ln ${fileName(1)} many/zero; echo more >>hard`,
    ],
  ])("is clean after %s", async (_, spoil) => {
    const { recycled, fresh, isReused } = await spoilAndList(spoil);
    expect(recycled).toBe(fresh);
    expect(isReused).toBe(true);
  });

  it("is a fresh one where no sandbox proves that all programs have ended", async () => {
    const { recycled, fresh, isReused } = await spoilAndList("echo Z >z.txt", { TRAILHAND_SANDBOX: "off" });
    expect(recycled).toBe(fresh);
    expect(isReused).toBe(false);
  });
});
