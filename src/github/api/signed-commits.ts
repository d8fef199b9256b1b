/**
 * Lets GitHub create commits, which it then signs and shows as "Verified".
 *
 * Invariants:
 * - Neither author nor committer is given; otherwise GitHub does not sign.
 * - A commit that GitHub does not call verified is not used.
 * - GitHub's error messages are treated as text from strangers.
 */
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import { cleanLine, redact } from "../../core/util/redact.ts";
import { parseSha } from "../../core/protocol/ids.ts";
import type { SignedCommit, CommitSigner } from "../../core/protocol/signed-commit.ts";
import { RequestDeclined } from "./client.ts";
import type { Repo } from "./repo.ts";

const RESPONSE = z.object({
  sha: z.string(),
  verification: z.object({
    verified: z.boolean(),
    reason: z.string(),
    signature: z.string().nullable(),
    payload: z.string().nullable(),
  }),
});

const MAX_MESSAGE = 200;

/** `request` must be authenticated as an App or as a job: GitHub does not sign for people. */
export function openCommitSigner(request: Octokit["request"], { owner, name: repo }: Repo): CommitSigner {
  return async ({ tree, parents, message }) => {
    try {
      const route = "POST /repos/{owner}/{repo}/git/commits";
      const { data } = await request(route, { owner, repo, message, tree, parents: [...parents] });
      return readCommit(data);
    } catch (error) {
      if (error instanceof RequestDeclined) return refusalOf(error);
      throw error;
    }
  };
}

function readCommit(data: unknown): SignedCommit {
  const response = RESPONSE.safeParse(data);
  const id = parseSha(response.data?.sha ?? "");
  if (!response.success || !id) return { kind: "failed", why: "GitHub's response cannot be read" };
  const { verified, reason, signature, payload } = response.data.verification;
  if (!verified || signature === null || payload === null) {
    return { kind: "failed", why: `GitHub did not sign the commit: ${cleanMessage(reason)}` };
  }
  return { kind: "signed", id, payload, signature };
}

function refusalOf({ status, decision, message }: RequestDeclined): SignedCommit {
  if (status === 422)
    return { kind: "unsuitable", why: `GitHub rejects such a commit: ${cleanMessage(message)}` };
  // GitHub's own message would contain the number of the request, so each one would differ.
  if (status === 429) return { kind: "failed", why: "GitHub's rate limit is reached" };
  if (decision.kind === "postpone") return { kind: "failed", why: "GitHub cannot be reached" };
  return { kind: "failed", why: `GitHub refused the commit with status ${status}: ${cleanMessage(message)}` };
}

const cleanMessage = (text: string): string => cleanLine(redact(text), MAX_MESSAGE);
