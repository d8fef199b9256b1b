/**
 * Has GitHub make commits, which it then signs: "Verified" stands beside them.
 *
 * What must hold: neither author nor committer is named, or GitHub signs nothing; what GitHub does
 * not call verified is not taken; GitHub's words about a refusal are a stranger's.
 */
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import { cleanLine, redact } from "../../core/util/redact.ts";
import { parseSha } from "../../core/protocol/ids.ts";
import type { SignedCommit, CommitSigner } from "../../core/protocol/signed-commit.ts";
import { RequestDeclined } from "./client.ts";
import type { Repo } from "./repo.ts";

const ANSWER = z.object({
  sha: z.string(),
  verification: z.object({
    verified: z.boolean(),
    reason: z.string(),
    signature: z.string().nullable(),
    payload: z.string().nullable(),
  }),
});

/** Characters of GitHub's words that are kept. */
const LONGEST = 200;

/** GitHub as the notary of a repository. `request` acts as an App or as a job. */
export function openCommitSigner(request: Octokit["request"], { owner, name: repo }: Repo): CommitSigner {
  return async ({ tree, parents, message }) => {
    try {
      const route = "POST /repos/{owner}/{repo}/git/commits";
      const { data } = await request(route, { owner, repo, message, tree, parents: [...parents] });
      return read(data);
    } catch (error) {
      if (error instanceof RequestDeclined) return refusal(error);
      throw error;
    }
  };
}

function read(data: unknown): SignedCommit {
  const found = ANSWER.safeParse(data);
  const id = parseSha(found.data?.sha ?? "");
  if (!found.success || !id) return { kind: "failed", why: "GitHub's answer cannot be read" };
  const { verified, reason, signature, payload } = found.data.verification;
  if (!verified || signature === null || payload === null) {
    return { kind: "failed", why: `GitHub did not sign it: ${said(reason)}` };
  }
  return { kind: "signed", id, payload, signature };
}

function refusal({ status, decision, message }: RequestDeclined): SignedCommit {
  if (status === 422) return { kind: "unsuitable", why: `GitHub takes no such commit: ${said(message)}` };
  // What GitHub says of its limits names each request by a number of its own.
  if (status === 429) return { kind: "failed", why: "GitHub's limits are reached" };
  if (decision.kind === "later") return { kind: "failed", why: "GitHub cannot be reached" };
  return { kind: "failed", why: `GitHub refused it with ${status}: ${said(message)}` };
}

const said = (text: string): string => cleanLine(redact(text), LONGEST);
