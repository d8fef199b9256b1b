/** Checks what must be in place before anything can run: git, identity, remote and states. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { MESSAGES, shellWord } from "../core/messages/messages.ts";
import { cleanLine } from "../core/util/redact.ts";
import { WORKFLOW_FILE } from "../core/workflow/workflow.ts";
import { requireVersion } from "../git/open-repository.ts";
import type { BranchListing } from "./branch-listing.ts";
import { checkRemote } from "./check-remote.ts";
import type { Finding } from "./finding.ts";
import type { Workspace } from "./workspace.ts";

const NAME_LENGTH = 80;

/** Throws a UserError when git is missing or too old. */
export async function checkGit({ location }: Workspace): Promise<Finding[]> {
  return [{ about: "git", level: "fine", what: await requireVersion(location.git) }];
}

export function checkIdentity({ location }: Workspace): Finding {
  const about = "identity";
  if (location.person) {
    const { name, email } = location.person;
    return {
      about,
      level: "fine",
      what: `${cleanLine(name, NAME_LENGTH)} <${cleanLine(email, NAME_LENGTH)}>`,
    };
  }
  return {
    about,
    level: "odd",
    what: "git does not know who you are; `run` works, your own requests do not",
    next: 'git config user.name "Your Name" && git config user.email you@example.com',
  };
}

/** Tries the signing key, where the workflow asks for signatures. */
export async function checkSigning(
  { repository }: Workspace,
  { trustedConfig }: BranchListing,
): Promise<Finding[]> {
  if (!trustedConfig.workflow.sign) return [];
  const about = "signing";
  const problem = await repository.signingProblem();
  if (problem === undefined) return [{ about, level: "fine", what: "the key in git's configuration signs" }];
  const { what, next } = MESSAGES.cannotSign(problem);
  return [{ about, level: "bad", what, ...(next === undefined ? {} : { next }) }];
}

export function checkHistory({ location }: Workspace): Finding[] {
  if (!location.isShallow) return [];
  const what = "the history is shallow: hand-offs below its edge are not seen";
  return [{ about: "repository", level: "odd", what, next: "git fetch --unshallow" }];
}

/** Tries with temporary refs what runners rely on. Throws a UserError when the remote does not answer. */
export async function checkShare(workspace: Workspace): Promise<Finding[]> {
  const { remote } = workspace;
  if (!remote) return [];
  const about = "remote";
  await remote.listRefs();
  const problem = await checkRemote(workspace, remote, Date.now());
  if (problem === undefined) {
    const name = cleanLine(remote.transport.address.name, NAME_LENGTH);
    return [{ about, level: "fine", what: `${name}: atomic pushes and leases on refs work` }];
  }
  const { what, next } = MESSAGES.leaseNotWritable(problem);
  return [{ about, level: "bad", what, ...(next === undefined ? {} : { next }) }];
}

export function checkStates(workspace: Workspace, { trustedConfig, snapshot }: BranchListing): Finding[] {
  const { target } = snapshot;
  const { hasStates, problems, workflow } = trustedConfig;
  if (!hasStates) return [missingStates(workspace, target)];
  if (problems.length > 0)
    return problems.map(({ line, path, message }) => ({
      about: "workflow",
      level: "bad",
      what: `${target}:${WORKFLOW_FILE}${line === undefined ? "" : `:${line}`}: ${path ? `${path}: ` : ""}${message}`,
      next: `edit ${WORKFLOW_FILE} on ${target}`,
    }));
  const names = Object.keys(workflow.states).join(", ");
  const kind = workflow.open ? "no workflow file, every executable is a state" : "workflow checked";
  return [{ about: "states", level: "fine", what: `${kind}; trusted branch ${target}: ${names}` }];
}

function missingStates({ location }: Workspace, target: string): Finding {
  const about = "states";
  const isWritten = location.top !== undefined && existsSync(join(location.top, "states"));
  if (!isWritten) return { about, level: "bad", what: `${target} has no states/`, next: "trailhand init" };
  return {
    about,
    level: "bad",
    what: `states/ is not committed on ${target}, and only what is there counts`,
    next: `git switch ${shellWord(target)} && git add states && git commit -m "Add Trailhand's states"`,
  };
}
