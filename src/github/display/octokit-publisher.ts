/**
 * The publisher on top of an octokit: Trailhand's own or Probot's.
 *
 * Invariants:
 * - An issue that moved to another repository counts as deleted.
 * - Lists are read to their end, up to a limit of pages.
 */
import type { Octokit } from "@octokit/rest";
import { parseBranch, type Sha } from "../../core/protocol/ids.ts";
import type { Repo } from "../api/repo.ts";
import type {
  ShownCheck,
  ShownComment,
  ShownIssue,
  ShownPull,
  ShownReaction,
  Publisher,
} from "./publisher-port.ts";
import type { CommandSource, Check, NewPull, PullRequestRef } from "./desired-state.ts";

export type OctokitRequest = Octokit["request"];

const PAGE_SIZE = 100;
/** Pages of one list. Longer lists, such as 5000 comments, are cut. */
const MAX_PAGES = 50;

/** `request` must be allowed to write to the repository. */
export function octokitPublisher(request: OctokitRequest, { owner, name: repo }: Repo): Publisher {
  const at = { owner, repo };
  return {
    listLabels: async () => {
      const found = await readAllPages((page) =>
        request("GET /repos/{owner}/{repo}/labels", { ...at, ...page }),
      );
      return found.map(({ name }) => name);
    },
    readThread: (issue_number) => readThread(request, at, issue_number),
    listComments: async (issue_number) => {
      const route = "GET /repos/{owner}/{repo}/issues/{issue_number}/comments";
      const found = await readAllPages((page) => request(route, { ...at, issue_number, ...page }));
      return found.map(({ id, user, body }): ShownComment => ({
        id: Number(id),
        authorId: numberOf(user?.id),
        body: body ?? "",
      }));
    },
    listChecks: (commit) => listChecks(request, at, commit),
    listReactions: (source) => listReactions(request, at, source),
    listOpenPulls: async () => {
      const route = "GET /repos/{owner}/{repo}/pulls";
      const found = await readAllPages((page) => request(route, { ...at, state: "open", ...page }));
      return found.flatMap(({ number, head, base, user }): PullRequestRef[] => {
        const branch = parseBranch(head.ref);
        // The repository of the head is null when the fork was deleted.
        const isFork = head.repo?.id !== base.repo.id;
        return branch ? [{ number, branch, isFork, authorId: numberOf(user?.id) }] : [];
      });
    },
    listPullsFrom: async (branch) => {
      const route = "GET /repos/{owner}/{repo}/pulls";
      const only = { ...at, state: "all" as const, head: `${owner}:${branch}` };
      const found = await readAllPages((page) => request(route, { ...only, ...page }));
      return found.flatMap(({ number, state, head, base }): ShownPull[] =>
        head.ref === branch && head.repo?.id === base.repo.id
          ? [{ number, isOpen: state === "open", commit: head.sha }]
          : [],
      );
    },
    createLabel: async (label) =>
      void (await request("POST /repos/{owner}/{repo}/labels", { ...at, ...label })),
    addLabel: async (issue_number, name) => {
      const route = "POST /repos/{owner}/{repo}/issues/{issue_number}/labels";
      await request(route, { ...at, issue_number, labels: [name] });
    },
    removeLabel: async (issue_number, name) => {
      const route = "DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}";
      await request(route, { ...at, issue_number, name });
    },
    createComment: async (issue_number, body) => {
      const route = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments";
      await request(route, { ...at, issue_number, body });
    },
    editComment: async (comment_id, body) => {
      const route = "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}";
      await request(route, { ...at, comment_id, body });
    },
    deleteComment: async (comment_id) => {
      await request("DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}", { ...at, comment_id });
    },
    createCheck: async (check) => {
      const route = "POST /repos/{owner}/{repo}/check-runs";
      await request(route, { ...at, ...fieldsOf(check), head_sha: check.commit });
    },
    updateCheck: async (check_run_id, check) => {
      const route = "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}";
      await request(route, { ...at, ...fieldsOf(check), check_run_id });
    },
    addReaction: (source, content) => addReaction(request, at, source, content),
    createPull: async ({ branch: head, base, title, body, isDraft: draft }: NewPull) => {
      await request("POST /repos/{owner}/{repo}/pulls", { ...at, head, base, title, body, draft });
    },
    closePull: async (pull_number) => {
      const route = "PATCH /repos/{owner}/{repo}/pulls/{pull_number}";
      await request(route, { ...at, pull_number, state: "closed" });
    },
    closeIssue: async (issue_number, state_reason) => {
      const route = "PATCH /repos/{owner}/{repo}/issues/{issue_number}";
      await request(route, { ...at, issue_number, state: "closed", state_reason });
    },
  };
}

interface RepoParameters {
  readonly owner: string;
  readonly repo: string;
}

type PageParameters = { readonly per_page: number; readonly page: number };

async function readAllPages<Item>(
  read: (page: PageParameters) => Promise<{ readonly data: readonly Item[] }>,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const { data } = await read({ per_page: PAGE_SIZE, page });
    items.push(...data);
    if (data.length < PAGE_SIZE) break;
  }
  return items;
}

/** Returns undefined for an error with one of these statuses. */
async function unlessGone<T>(ask: () => Promise<T>, statuses: readonly number[]): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (statuses.includes((error as { status?: number }).status ?? 0)) return undefined;
    throw error;
  }
}

async function readThread(
  request: OctokitRequest,
  at: RepoParameters,
  issue_number: number,
): Promise<ShownIssue | undefined> {
  const route = "GET /repos/{owner}/{repo}/issues/{issue_number}";
  const found = await unlessGone(
    () => request(route, { ...at, issue_number, request: { redirect: "manual" } }),
    [404, 410],
  );
  // A response without the number is a redirect to another repository.
  if (!found || found.data?.number !== issue_number) return undefined;
  const { labels, state, state_reason, pull_request } = found.data;
  return {
    labels: labels.map((label) => (typeof label === "string" ? label : (label.name ?? ""))),
    isOpen: state === "open",
    isPull: pull_request !== undefined,
    reason: state_reason ?? undefined,
  };
}

async function listChecks(
  request: OctokitRequest,
  at: RepoParameters,
  ref: Sha,
): Promise<readonly ShownCheck[] | undefined> {
  const route = "GET /repos/{owner}/{repo}/commits/{ref}/check-runs";
  const read = async (page: PageParameters) => {
    const { data } = await request(route, { ...at, ref, filter: "latest", ...page });
    return { data: data.check_runs };
  };
  const found = await unlessGone(() => readAllPages(read), [404, 422]);
  return found?.map(({ id, app, name, external_id, status, conclusion, output }) => ({
    id: Number(id),
    appId: numberOf(app?.id),
    name,
    externalId: external_id ?? "",
    status,
    conclusion: conclusion ?? undefined,
    title: output.title ?? "",
    summary: output.summary ?? "",
  }));
}

async function listReactions(
  request: OctokitRequest,
  at: RepoParameters,
  { kind, id }: CommandSource,
): Promise<readonly ShownReaction[] | undefined> {
  const read = (page: PageParameters) => {
    if (kind === "issue")
      return request("GET /repos/{owner}/{repo}/issues/{issue_number}/reactions", {
        ...at,
        issue_number: id,
        ...page,
      });
    if (kind === "comment")
      return request("GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", {
        ...at,
        comment_id: id,
        ...page,
      });
    return request("GET /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions", {
      ...at,
      comment_id: id,
      ...page,
    });
  };
  const found = await unlessGone(() => readAllPages(read), [404, 410]);
  return found?.map(({ user, content }) => ({ userId: numberOf(user?.id), content }));
}

async function addReaction(
  request: OctokitRequest,
  at: RepoParameters,
  { kind, id }: CommandSource,
  content: "eyes" | "rocket" | "confused",
) {
  if (kind === "issue")
    await request("POST /repos/{owner}/{repo}/issues/{issue_number}/reactions", {
      ...at,
      issue_number: id,
      content,
    });
  else if (kind === "comment")
    await request("POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions", {
      ...at,
      comment_id: id,
      content,
    });
  else
    await request("POST /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions", {
      ...at,
      comment_id: id,
      content,
    });
}

function fieldsOf({ name, externalId, status, conclusion, title, summary, details, buttons }: Check) {
  const fields = {
    name,
    external_id: externalId,
    details_url: details,
    output: { title, summary },
    actions: [...buttons],
  };
  if (conclusion !== undefined) return { ...fields, status: "completed" as const, conclusion };
  return { ...fields, status: status === "in_progress" ? ("in_progress" as const) : ("queued" as const) };
}

/** The ids of GitHub are within the safe integers, although octokit types them as bigint too. */
const numberOf = (id: number | bigint | undefined): number | undefined =>
  id === undefined ? undefined : Number(id);
