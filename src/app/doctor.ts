/** Checks a repository and its surroundings, and finds the commands that fix the problems. */
import { UserError } from "../core/messages/messages.ts";
import { currentTime, listBranches } from "./branch-listing.ts";
import { findDeadLetters } from "./doctor-inbox.ts";
import { checkLocks } from "./doctor-locks.ts";
import { identityFindings } from "./doctor-identity.ts";
import {
  checkAttempts,
  checkBrought,
  checkLeases,
  checkMessages,
  checkRecords,
  checkSetupHook,
} from "./doctor-orphans.ts";
import { checkRefs } from "./doctor-refs.ts";
import {
  checkGit,
  checkHistory,
  checkIdentity,
  checkShare,
  checkSigning,
  checkStates,
} from "./doctor-setup.ts";
import { checkSandbox } from "./doctor-sandbox.ts";
import { waitFindings } from "./doctor-waits.ts";
import type { Finding } from "./finding.ts";
import type { Environment, Workspace } from "./workspace.ts";

export async function diagnose(workspace: Workspace, env: Environment): Promise<readonly Finding[]> {
  const setup = [
    ...(await orFinding("git", () => checkGit(workspace))),
    checkIdentity(workspace),
    ...checkHistory(workspace),
    ...checkAttempts(workspace),
    await checkSandbox(workspace, env),
    ...(await checkLocks(workspace)),
    ...(await orFinding("remote", () => checkShare(workspace))),
  ];
  const branches = await orFinding("repository", () => checkBranches(workspace));
  return [...setup, ...branches, ...findDeadLetters(env)];
}

async function checkBranches(workspace: Workspace): Promise<Finding[]> {
  const listing = await listBranches(workspace, currentTime());
  return [
    ...checkStates(workspace, listing),
    ...(await checkSigning(workspace, listing)),
    ...identityFindings(listing.trustedConfig.workflow, workspace.repository.canReadPushes),
    ...checkMessages(listing),
    ...checkLeases(listing),
    ...checkRefs(workspace),
    ...(await checkSetupHook(listing)),
    ...checkBrought(workspace, listing),
    ...(await checkRecords(workspace, listing)),
    ...(await waitFindings(workspace, listing)),
  ];
}

/** A UserError is a finding of its own. */
async function orFinding(about: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { message: what, next } = error;
    return [{ about, level: "bad", what, ...(next === undefined ? {} : { next }) }];
  }
}
