import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { conePatterns, isInCone } from "../../../../src/git/attempt/sparse-checkout.ts";
import { makeRepo } from "../../../support/temp-repo.ts";

test.each([[["a"], ["a/b", "c"], ["a/b", "a"], ["c/d/e", "a/b"], ["a*b/[x]", "c\\d"]]])(
  "git reads the patterns as they are judged here",
  (...lists) => {
    const paths = [
      "top",
      "a/1",
      "a/b/2",
      "a/bc/3",
      "a/b/c/4",
      "c/5",
      "c/d/6",
      "c/d/e/7",
      "c/x/8",
      "a*b/9",
      "a*b/[x]/10",
      "aab/x/11",
      "c\\d/12",
    ];
    const repo = makeRepo(Object.fromEntries(paths.map((path) => [path, `${path}\n`])));
    for (const folders of lists) {
      repo.write(".git/info/sparse-checkout", conePatterns(folders));
      execFileSync(
        "git",
        [
          "-C",
          repo.dir,
          "-c",
          "core.sparseCheckout=true",
          "-c",
          "core.sparseCheckoutCone=true",
          "read-tree",
          "-m",
          "-u",
          "HEAD",
        ],
        { stdio: "pipe" },
      );
      const held = repo
        .git("ls-files", "-z", "-t")
        .split("\0")
        .flatMap((line) => (line.startsWith("H ") ? [line.slice(2)] : []));
      expect(held.toSorted()).toEqual(paths.filter((path) => isInCone(folders, path)).toSorted());
    }
  },
);
