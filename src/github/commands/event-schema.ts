/**
 * The parts of GitHub's webhook payloads that Trailhand reads. Other fields are ignored.
 *
 * Invariants:
 * - Names that become part of a URL contain only characters that GitHub allows.
 */
import * as z from "zod";

export const account = z.object({ id: z.int(), login: z.string().min(1).max(100), type: z.string() });
export type AccountPayload = z.infer<typeof account>;

/** `.` and `..` are not names, and no name contains a slash. */
const name = z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/);
export const fullName = z.string().regex(/^[A-Za-z0-9_-]{1,100}\/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/);
const sha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);

export const repository = z.object({ name, owner: z.object({ login: name }) });

const app = z.object({ id: z.int() }).nullish();
const user = z.object({ id: z.int() }).nullish();

/** The common fields of comments, reviews, issues and pull requests. */
export const comment = z.object({
  user,
  body: z.string().nullish(),
  performed_via_github_app: app,
});

const event = z.object({ action: z.string(), repository, sender: account });
const numbered = z.object({ number: z.int() });

export const push = z.object({ ref: z.string(), repository });

export const issue = event.extend({
  issue: comment.extend({ number: z.int(), title: z.string(), updated_at: z.string() }),
  label: z.object({ name: z.string() }).optional(),
});

export const issueComment = event.extend({ issue: numbered, comment: comment.extend({ id: z.int() }) });

const side = z.object({ ref: z.string(), sha, repo: z.object({ id: z.int() }).nullable() });

export const pull = event.extend({
  pull_request: comment.extend({
    number: z.int(),
    merged: z.boolean().nullish(),
    updated_at: z.string(),
    head: side,
    base: side.extend({ repo: z.object({ id: z.int() }) }),
  }),
});

export const review = event.extend({
  review: comment.extend({ id: z.int(), state: z.string(), commit_id: sha.nullish() }),
  pull_request: numbered,
});

export const reviewComment = event.extend({
  comment: comment.extend({ id: z.int() }),
  pull_request: numbered,
});

export const checkRun = event.extend({
  check_run: z.object({
    id: z.int(),
    name: z.string(),
    head_sha: sha,
    conclusion: z.string().nullish(),
    app,
    check_suite: z.object({ head_branch: z.string().nullish() }).nullish(),
  }),
  requested_action: z.object({ identifier: z.string() }).optional(),
});

export const checkSuite = event.extend({
  check_suite: z.object({
    id: z.int(),
    head_sha: sha,
    head_branch: z.string().nullish(),
    updated_at: z.string().nullish(),
    app,
  }),
});

const listed = z.array(z.object({ full_name: z.string() }));
export const installation = z.object({ action: z.string(), repositories: listed.nullish() });
export const installationRepositories = z.object({ action: z.string(), repositories_added: listed });

export const scheduled = z.object({ repository: repository.optional() });
