/** Tries whether runners can share a remote: once a day for each remote, and whenever `doctor` asks. */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { readJson } from "../git/read-json.ts";
import { checkCapabilities } from "../git/remote/capability-check.ts";
import type { RemoteRepository } from "../git/remote/remote-repository.ts";
import type { Workspace } from "./workspace.ts";
import { APP } from "./timing.ts";

/** A success. */
interface Trial {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly prefix: string;
}

/** Returns the problem, or undefined; remembers a success. */
export async function checkRemote(
  workspace: Workspace,
  remote: RemoteRepository,
  now: number,
): Promise<string | undefined> {
  const problem = await checkCapabilities(remote, randomUUID());
  if (problem !== undefined) return problem;
  const trial: Trial = { at: now, prefix: remote.prefix.value };
  mkdirSync(dirname(workspace.cache.probed), { recursive: true });
  writeFileSync(workspace.cache.probed, JSON.stringify(trial));
  return undefined;
}

/** Throws a UserError when the remote lacks what runners rely on. */
export async function requireUsableRemote(workspace: Workspace, now: number): Promise<void> {
  const { remote } = workspace;
  if (!remote) return;
  // The listing reads the prefix of our refs from the workflow.
  await remote.listRefs();
  const last = readJson(workspace.cache.probed) as Trial | undefined;
  const age = now - (last?.at ?? 0);
  if (last?.prefix === remote.prefix.value && age >= 0 && age < APP.trialMs) return;
  const problem = await checkRemote(workspace, remote, now);
  if (problem !== undefined)
    throw new UserError(MESSAGES.probeFailed(remote.transport.address.name, problem));
}
