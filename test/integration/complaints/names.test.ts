/** Each common complaint about such systems has a test whose title starts with its name. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const NAMES = (
  "lost-work zombie-worktree dead-owner double-claim lying-liveness respawn-storm rate-limit-as-crash " +
  "idle-burn cap-without-teeth false-done silent-drop queue-starvation noisy-history second-database " +
  "set-up-pain leaked-process session-lost worktree-not-runnable git-lock-race escape contradictory-state " +
  "unsound-approval cannot-stop untrusted-driver silence green-but-nothing"
).split(" ");

const folder = dirname(fileURLToPath(import.meta.url));
const TITLE = /^(?:describe|test)(?:\.each\([^]*?\))?\(\s*["'`]([a-z-]+)(?::|["'`])/gm;
const tested = new Set(
  readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts") && name !== "names.test.ts")
    .flatMap((name) =>
      [...readFileSync(join(folder, name), "utf8").matchAll(TITLE)].map(([, title]) => title),
    ),
);

test.each(NAMES)("%s has a test", (name) => {
  expect([...tested]).toContain(name);
});

test("every test title starts with a listed name", () => {
  expect([...tested].filter((name) => !NAMES.includes(name ?? ""))).toEqual([]);
});
