/** Who pushed, as webhooks and the log of activities tell: what is asked, how often, and what is believed. */
import { expect, it } from "vitest";
import type { Branch, Sha } from "../../src/core/text/ids.ts";
import type { Push } from "../../src/core/permit/pushed.ts";
import { openClient } from "../../src/github/client.ts";
import { Pacer } from "../../src/github/pace.ts";
import { Pushes } from "../../src/github/pushes.ts";
import { repoAt } from "../../src/wire-pushes.ts";
import { NAME, OWNER, startHub, TOKEN } from "../support/hub.ts";

const BRANCH = "topic" as Branch;
const [A, B, C] = ["a", "b", "c"].map((digit) => digit.repeat(40)) as [Sha, Sha, Sha];
const by = (before: string, after: string, id: number): Push => ({ before, after, id, login: `p${id}` });

async function open() {
  const hub = await startHub();
  const log: (Push & { ref?: string; gone?: boolean })[] = [];
  hub.also((method, path) => {
    if (method !== "GET" || !path.startsWith(`/repos/${OWNER}/${NAME}/activity?`)) return undefined;
    const data = log.map(({ before, after, id, login, ref = `refs/heads/${BRANCH}`, gone }) => {
      return { id: 1, ref, before, after, actor: gone ? null : { id, login } };
    });
    return { status: 200, data };
  });
  const said: string[] = [];
  let now = 0;
  const pacer = new Pacer();
  const { request } = await openClient({
    baseUrl: hub.url,
    pacer,
    token: () => Promise.resolve(TOKEN),
    sleep: () => Promise.resolve(),
  });
  const repo = { owner: OWNER, name: NAME };
  const pushes = new Pushes(request, repo, { mono: () => now, say: (text) => said.push(text) });
  const hear = (pushed: Push) => pushes.hear({ kind: "wake", repo, branch: BRANCH, pushed });
  return { hub, log, said, pushes, hear, later: (ms: number) => (now += ms) };
}

it("the log is asked once for a head that it knows, and for this branch alone", async () => {
  const { hub, log, pushes } = await open();
  log.push(by(A, B, 2), { ...by(A, C, 9), ref: "refs/heads/other" }, { ...by(A, C, 9), gone: true });
  expect(await pushes.of(BRANCH, B)).toEqual([by(A, B, 2)]);
  expect(await pushes.of(BRANCH, B)).toEqual([by(A, B, 2)]);
  expect(hub.asked).toHaveLength(1);
  expect(decodeURIComponent(hub.asked[0]?.path ?? "")).toContain("ref=refs/heads/topic");
});

it("a head that it does not know yet is asked for again, but not at every look", async () => {
  const { hub, log, pushes, later } = await open();
  expect(await pushes.of(BRANCH, B)).toEqual([]);
  log.push(by(A, B, 2));
  expect(await pushes.of(BRANCH, B)).toEqual([]);
  later(1000);
  expect(await pushes.of(BRANCH, B)).toEqual([by(A, B, 2)]);
  expect(hub.asked).toHaveLength(2);
});

it("a webhook that follows on what is known spares the question; one that does not, does not", async () => {
  const { hub, log, pushes, hear } = await open();
  log.push(by("0", A, 1));
  await pushes.of(BRANCH, A);
  hear(by(A, B, 2));
  expect(await pushes.of(BRANCH, B)).toEqual([by(A, B, 2), by("0", A, 1)]);
  expect(hub.asked).toHaveLength(1);
  // What lies between was our own, of which no webhook is read.
  hear(by("d".repeat(40), C, 3));
  log.unshift(by(B, "d".repeat(40), 77), by(A, B, 2));
  expect(await pushes.of(BRANCH, C)).toEqual([
    by("d".repeat(40), C, 3),
    by(B, "d".repeat(40), 77),
    by(A, B, 2),
    by("0", A, 1),
  ]);
  expect(hub.asked).toHaveLength(2);
});

it("while GitHub does not answer nothing is proven, and that is said", async () => {
  const { hub, said, pushes, later, log } = await open();
  hub.trouble({ status: 403, message: "Resource not accessible by integration" });
  log.push(by("0", A, 1));
  expect(await pushes.of(BRANCH, A)).toEqual([]);
  expect(said).toEqual([expect.stringContaining("GitHub does not tell who pushed: ")]);
  later(1000);
  expect(await pushes.of(BRANCH, A)).toEqual([by("0", A, 1)]);
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
