import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Sha } from "../../../../src/core/protocol/ids.ts";
import {
  parseCommitObject,
  isSameContent,
  signedObjects,
  type CommitContent,
} from "../../../../src/core/protocol/signed-commit.ts";
import { createRequire } from "node:module";

const idOf = (object: string): string =>
  createHash("sha1")
    .update(`commit ${Buffer.byteLength(object)}\0${object}`)
    .digest("hex");

interface Real {
  readonly sha: string;
  readonly payload: string;
  readonly signature: string;
}

/** Commits that GitHub itself signed, as its API showed them. */
function realCommits(value: unknown, sha = ""): Real[] {
  if (typeof value !== "object" || value === null) return [];
  const { verification, sha: own = sha } = value as { verification?: Real; sha?: string };
  const found = verification?.payload ? [{ ...verification, sha: own }] : [];
  return [...found, ...Object.values(value).flatMap((one) => realCommits(one, own))];
}

const TREE = "1".repeat(40) as Sha;
const PARENT = "2".repeat(40) as Sha;
const WHO = "Ann <ann@example.com> 1700000000 +0000";
const PAYLOAD = `tree ${TREE}\nparent ${PARENT}\nauthor ${WHO}\ncommitter ${WHO}\n\nfeat: x\n\nBody.\n`;

describe("a signed commit", () => {
  it("is the object that GitHub signed, bit for bit", () => {
    const examples = createRequire(import.meta.url)("@octokit/webhooks-examples/api.github.com/index.json");
    const real = realCommits(examples);
    expect(real.length).toBeGreaterThan(0);
    for (const { sha, payload, signature } of real) {
      const [object = ""] = signedObjects(payload, signature);
      expect(idOf(object)).toBe(sha);
      expect(parseCommitObject(object)?.message).toBe(payload.slice(payload.indexOf("\n\n") + 2));
    }
  });

  it("has its signature after the other headers, with and without a final line end", () => {
    const [with_, without] = signedObjects(PAYLOAD, "-----BEGIN\n\nabc\n-----END\n");
    const signed = (end: string) =>
      PAYLOAD.replace("\n\nfeat", `\ngpgsig -----BEGIN\n \n abc\n -----END\n${end}\nfeat`);
    expect(with_).toBe(signed(" \n"));
    expect(without).toBe(signed(""));
    expect(signedObjects(PAYLOAD, "a\nb")).toHaveLength(1);
  });

  it.each([
    ["", "a"],
    ["tree x", "a"],
    [PAYLOAD, "\n"],
    [PAYLOAD, ""],
  ])("is none without a message or a signature (%#)", (payload, signature) => {
    expect(signedObjects(payload, signature)).toEqual([]);
  });
});

describe("the content of a commit", () => {
  const content: CommitContent = { tree: TREE, parents: [PARENT], message: "feat: x\n\nBody.\n" };

  it("is read from the object, signed or not", () => {
    expect(parseCommitObject(PAYLOAD)).toEqual(content);
    expect(parseCommitObject(signedObjects(PAYLOAD, "a\n\nb\n")[0] ?? "")).toEqual(content);
    expect(parseCommitObject(PAYLOAD.replace(/^parent.*\n/m, ""))).toEqual({ ...content, parents: [] });
    expect(parseCommitObject(PAYLOAD.replace(/^parent.*\n/m, "$&$&"))?.parents).toEqual([PARENT, PARENT]);
  });

  it.each([
    ["another header", PAYLOAD.replace("\n\nfeat", "\nencoding latin1\n\nfeat")],
    ["a second author", PAYLOAD.replace(/^author.*\n/m, "$&$&")],
    ["a second tree", PAYLOAD.replace(/^tree.*\n/m, "$&$&")],
    ["a short id", PAYLOAD.replace(TREE, "111")],
    ["a short parent", PAYLOAD.replace(PARENT, "222")],
    ["no committer", PAYLOAD.replace(/^committer.*\n/m, "")],
    ["no message", PAYLOAD.slice(0, PAYLOAD.indexOf("\n\n"))],
    ["nothing", ""],
  ])("is nothing with %s", (_, object) => {
    expect(parseCommitObject(object)).toBeUndefined();
  });

  it("is compared without the line ends after the message", () => {
    expect(isSameContent(content, { ...content, message: "feat: x\n\nBody." })).toBe(true);
    expect(isSameContent(content, { ...content, message: "feat: x\n\nBody. " })).toBe(false);
    expect(isSameContent(content, { ...content, message: "\nfeat: x\n\nBody." })).toBe(false);
    expect(isSameContent(content, { ...content, tree: PARENT })).toBe(false);
    expect(isSameContent(content, { ...content, parents: [] })).toBe(false);
    expect(isSameContent(content, { ...content, parents: [PARENT, PARENT] })).toBe(false);
  });
});
