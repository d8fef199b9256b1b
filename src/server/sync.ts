/** Makes GitHub show what the refs say. */
import { openWorkspace } from "../app/open-workspace.ts";
import { pushesOf } from "../app/push-log.ts";
import type { Environment } from "../app/workspace.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { cleanLine } from "../core/util/redact.ts";
import { RequestDeclined } from "../github/api/client.ts";
import type { Repo } from "../github/api/repo.ts";
import { readActualState } from "../github/display/actual-state.ts";
import { showBranches } from "../github/display/apply.ts";
import { diff } from "../github/display/diff.ts";
import { projectBranches } from "../github/display/project.ts";
import { overviewBranches } from "./branch-overview.ts";
import { describeWrite, type WriteSummary } from "./describe-write.ts";
import { openGithub, type OpenGithub } from "./open-github.ts";

export interface SyncOptions {
  readonly env: Environment;
  readonly directory: string;
  /** A name or URL; default: the local repository. */
  readonly remote: string | undefined;
  /** As `owner/name`. */
  readonly repo: string;
  /** Only find out what would be written. */
  readonly dryRun: boolean;
  readonly say: (text: string) => void;
  /** Opens GitHub; default: by the environment. */
  readonly open?: OpenGithub | undefined;
}

export interface SyncResult {
  /** What was written, or would be written in a dry run. */
  readonly writes: readonly WriteSummary[];
  readonly refused: readonly (WriteSummary & { readonly why: string })[];
  /** Writes that are still missing. */
  readonly left: readonly WriteSummary[];
  /** How long GitHub's rate limit blocks further writes, in milliseconds; undefined without a limit. */
  readonly waitMs: number | undefined;
}

/** Throws a UserError when GitHub cannot be reached, or cannot say who pushed. */
export async function syncGithub(options: SyncOptions): Promise<SyncResult> {
  const { env, directory, remote, dryRun, say, open = openGithub } = options;
  const repo = readRepo(options.repo);
  const server = (env["GITHUB_SERVER_URL"] || "https://github.com").replace(/\/+$/, "");
  const workspace = await openWorkspace(directory, env, { remote, pushes: pushesOf(env, say) });
  const { publisher, self } = await open(env, repo, say);
  const branches = await overviewBranches(workspace);
  // Otherwise GitHub would show approvals as missing that runners count.
  if (branches.workflow.proof === "pusher" && !workspace.repository.canReadPushes)
    throw new UserError(MESSAGES.cannotAskPusher("github sync"));
  try {
    const desiredWith = projectBranches(branches, repo, server);
    if (dryRun) {
      const desired = desiredWith(await publisher.listOpenPulls());
      const writes = diff(await readActualState(publisher, desired, self), desired);
      return { writes: writes.map(describeWrite), refused: [], left: [], waitMs: undefined };
    }
    const { done, refused, uncertain, postponed } = await showBranches(publisher, desiredWith, self);
    return {
      writes: done.map(describeWrite),
      refused: refused.map(({ write, why }) => ({ ...describeWrite(write), why })),
      left: [...uncertain, ...(postponed?.writes ?? [])].map(describeWrite),
      waitMs: postponed?.ms,
    };
  } catch (error) {
    if (!(error instanceof RequestDeclined)) throw error;
    throw new UserError(MESSAGES.githubRequestFailed(cleanLine(error.message)), { cause: error });
  }
}

/** Checks the name by GitHub's rules. Throws a UserError for an invalid one. */
function readRepo(text: string): Repo {
  const [, owner, name] = /^([A-Za-z0-9][A-Za-z0-9-]{0,38})\/([A-Za-z0-9._-]{1,100})$/.exec(text) ?? [];
  if (owner === undefined || name === undefined || /^\.{1,2}$/.test(name))
    throw new UserError(MESSAGES.badRepo(text));
  return { owner, name };
}
