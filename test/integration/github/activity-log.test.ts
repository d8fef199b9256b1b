/** Reads pushes from GitHub's activity log: the requests, and which entries count. */
import { expect, it } from "vitest";
import type { Branch, Sha } from "../../../src/core/protocol/ids.ts";
import type { Push } from "../../../src/core/policy/push-identity.ts";
import { openClient } from "../../../src/github/api/client.ts";
import { RequestThrottle } from "../../../src/github/api/request-throttle.ts";
import { openPushLog } from "../../../src/github/api/activity-log.ts";
import { repoAt } from "../../../src/app/push-log.ts";
import { NAME, OWNER, startFakeGitHub, TOKEN } from "../../support/fake-github.ts";

const BRANCH = "topic" as Branch;
const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(40)) as [Sha, Sha, Sha];
const by = (before: string, after: string, id: number): Push & { id: number } => ({
  before,
  after,
  id,
  login: `p${id}`,
});

interface Line extends Push {
  readonly ref?: string;
  /** GitHub's `activity_type`. */
  readonly kind?: string;
  readonly gone?: boolean;
}

async function open() {
  const github = await startFakeGitHub();
  const log: Line[] = [];
  const paging = { size: 100 };
  github.also((method, path) => {
    if (method !== "GET" || !path.startsWith(`/repos/${OWNER}/${NAME}/activity?`)) return undefined;
    const url = new URL(path, github.url);
    const from = Number(url.searchParams.get("after") ?? 0);
    const end = from + paging.size;
    const data = log
      .slice(from, end)
      .map(({ before, after, id, login, ref = `refs/heads/${BRANCH}`, kind = "push", gone }) => {
        return { id: 1, ref, before, after, activity_type: kind, actor: gone ? null : { id, login } };
      });
    url.searchParams.set("after", String(end));
    const link = `<${url.href}>; rel="next", <${url.origin}>; rel="first"`;
    return { status: 200, data, ...(end < log.length ? { headers: { link } } : {}) };
  });
  const said: string[] = [];
  const throttle = new RequestThrottle();
  const { request } = await openClient({
    baseUrl: github.url,
    throttle,
    token: () => Promise.resolve(TOKEN),
    sleep: () => Promise.resolve(),
  });
  const repo = { owner: OWNER, name: NAME };
  const pushes = openPushLog(request, repo, (text) => said.push(text));
  return { github, log, said, paging, pushes };
}

it("the log is read for this branch only, and again each time", async () => {
  const { github, log, pushes } = await open();
  log.push(by(A, B, 2), { ...by(A, C, 9), ref: "refs/heads/other" });
  expect(await pushes(BRANCH)).toEqual([by(A, B, 2)]);
  expect(decodeURIComponent(github.asked[0]?.path ?? "")).toContain("ref=refs/heads/topic");
  // The branch is moved away and back.
  log.unshift(by(C, B, 3), by(B, C, 3));
  expect(await pushes(BRANCH)).toEqual([by(C, B, 3), by(B, C, 3), by(A, B, 2)]);
});

it("a merge of other people's commits, or a deleted account, has no id", async () => {
  const { log, pushes } = await open();
  const kinds = ["push", "force_push", "branch_creation", "pr_merge", "merge_queue_merge", "branch_deletion"];
  log.push(...kinds.map((kind, at) => ({ ...by(A, B, at), kind })), { ...by(A, B, 9), gone: true });
  expect((await pushes(BRANCH)).map(({ id }) => id)).toEqual([
    0,
    1,
    2,
    ...Array<undefined>(4).fill(undefined),
  ]);
});

it("a long log is read page by page, up to a limit", async () => {
  const { github, log, paging, pushes } = await open();
  paging.size = 2;
  log.push(...[5, 4, 3, 2, 1].map((id) => by(A, B, id)));
  expect((await pushes(BRANCH)).map(({ id }) => id)).toEqual([5, 4, 3, 2, 1]);
  expect(github.asked).toHaveLength(3);
  log.push(...Array.from({ length: 40 }, (_, id) => by(A, B, id)));
  expect(await pushes(BRANCH)).toHaveLength(20);
});

it("without an answer from GitHub nothing is proven, and the reason is logged", async () => {
  const { github, said, pushes, log } = await open();
  log.push(by("0", A, 1));
  await pushes(BRANCH);
  github.trouble({ status: 403, message: "Resource not accessible by integration" });
  expect(await pushes(BRANCH)).toEqual([]);
  expect(said).toEqual([expect.stringContaining("GitHub's activity log cannot be read")]);
  expect(await pushes(BRANCH)).toEqual([by("0", A, 1)]);
});

it.each([
  ["https://github.com/octo/shop.git", true],
  ["https://x@github.com/octo/shop", true],
  ["git@github.com:octo/shop.git", true],
  ["ssh://git@github.com:22/octo/shop", true],
  ["https://gitlab.com/octo/shop.git", false],
  ["https://github.com.example.com/octo/shop", false],
  ["https://example.com/github.com/octo/shop", false],
  ["/srv/git/github.com/octo/shop", false],
  ["../octo/shop", false],
])("%s is asked about: %s", (address, known) =>
  expect(repoAt("https://github.com", address)).toEqual(known ? { owner: "octo", name: "shop" } : undefined),
);
