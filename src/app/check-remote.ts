/** Whether a remote may be shared: tried once a day for each remote, and whenever `doctor` asks. */
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UserError, MESSAGES } from "../core/messages/messages.ts";
import { readJson } from "../git/bay.ts";
import { checkCapabilities } from "../git/remote/capability-check.ts";
import type { RemoteRepository } from "../git/remote/remote-repository.ts";
import type { Workspace } from "./workspace.ts";
import { APP } from "./timing.ts";

interface Probed {
  readonly at: number;
  readonly prefix: string;
}

/** Returns what is wrong with the remote, or undefined. Keeps in mind that all was well. */
export async function checkRemote(
  workspace: Workspace,
  remote: RemoteRepository,
  now: number,
): Promise<string | undefined> {
  const wrong = await checkCapabilities(remote, randomUUID());
  if (wrong !== undefined) return wrong;
  const probed: Probed = { at: now, prefix: remote.prefix.value };
  mkdirSync(dirname(workspace.cache.probed), { recursive: true });
  writeFileSync(workspace.cache.probed, JSON.stringify(probed));
  return undefined;
}

/** Throws a Fault when the remote breaks a promise that runners build on. */
export async function requireUsableRemote(workspace: Workspace, now: number): Promise<void> {
  const { remote } = workspace;
  if (!remote) return;
  // The look tells what the remote calls our refs.
  await remote.listRefs();
  const before = readJson(workspace.cache.probed) as Probed | undefined;
  const age = now - (before?.at ?? 0);
  if (before?.prefix === remote.prefix.value && age >= 0 && age < APP.trialMs) return;
  const wrong = await checkRemote(workspace, remote, now);
  if (wrong !== undefined) throw new UserError(MESSAGES.probeFailed(remote.transport.address.name, wrong));
}
