/** The questions that commands ask GitHub while they run. Event payloads are never used instead. */
import type { Octokit } from "@octokit/rest";
import type { IssueText } from "./intent.ts";
import type { Repo } from "../api/repo.ts";

/** The permission of an account in a repository. */
export interface Permission {
  /** The number of the account that has the login now. */
  readonly id: number;
  /** The role, possibly a custom one. */
  readonly role: string;
  /** The nearest standard permission: `admin`, `write`, `read` or `none`. */
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
      // The repository of the head is null when the fork was deleted.
      const headRepo = head.repo as { readonly id: number } | null;
      return {
        number,
        title,
        body: body ?? "",
        head: { ref: head.ref, sha: head.sha, isFork: headRepo?.id !== base.repo.id },
      };
    },
  };
}
