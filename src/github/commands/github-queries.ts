/**
 * What acting asks of GitHub, at the moment of acting.
 *
 * What must hold: every answer is GitHub's own of now, never what an event or a text says; the name
 * of somebody goes into an address as one part of it.
 */
import type { Octokit } from "@octokit/rest";
import type { IssueText } from "./intent.ts";
import type { Repo } from "../api/repo.ts";

/** What GitHub says of somebody in a repository. */
export interface Permission {
  /** Of the account that has the name now. */
  readonly id: number;
  /** A role, which may be one of the owner's own making. */
  readonly role: string;
  /** The nearest of `admin`, `write`, `read` and `none`. */
  readonly permission: string;
}

export interface Issue extends IssueText {
  readonly isPull: boolean;
}

export interface PullRequestInfo {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly head: { readonly ref: string; readonly sha: string; readonly isFork: boolean };
}

export interface GitHubQueries {
  permission(repo: Repo, login: string): Promise<Permission | undefined>;
  issue(repo: Repo, number: number): Promise<Issue>;
  pull(repo: Repo, number: number): Promise<PullRequestInfo>;
}

/** GitHub itself. */
export function openGitHubQueries({ request }: Pick<Octokit, "request">): GitHubQueries {
  return {
    async permission({ owner, name: repo }, username) {
      const { data } = await request("GET /repos/{owner}/{repo}/collaborators/{username}/permission", {
        owner,
        repo,
        username,
      });
      if (!data.user) return undefined;
      return { id: Number(data.user.id), role: data.role_name, permission: data.permission };
    },
    async issue({ owner, name: repo }, number) {
      const { data } = await request("GET /repos/{owner}/{repo}/issues/{issue_number}", {
        owner,
        repo,
        issue_number: number,
      });
      const isPull = data.pull_request !== undefined && data.pull_request !== null;
      return { number, title: data.title, body: data.body ?? "", isPull };
    },
    async pull({ owner, name: repo }, number) {
      const { data } = await request("GET /repos/{owner}/{repo}/pulls/{pull_number}", {
        owner,
        repo,
        pull_number: number,
      });
      const { head, base, title, body } = data;
      // The head's repository is null where the fork is gone.
      const from = head.repo as { readonly id: number } | null;
      return {
        number,
        title,
        body: body ?? "",
        head: { ref: head.ref, sha: head.sha, isFork: from?.id !== base.repo.id },
      };
    },
  };
}
