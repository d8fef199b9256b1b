/** The long-lived git processes of each repository, started on first use. */
import type { Git } from "./git.ts";
import { ObjectReader } from "./object-reader.ts";
import { RefSession } from "./ref-session.ts";

export interface Sessions {
  readonly objects: ObjectReader;
  readonly refs: RefSession;
}

const sessions = new WeakMap<Git, Sessions>();

/** The sessions of a trusted repository. Never use them for the repository of an attempt. */
export function sessionsOf(git: Git): Sessions {
  const known = sessions.get(git);
  if (known) return known;
  const created: Sessions = { objects: new ObjectReader(git), refs: new RefSession(git) };
  sessions.set(git, created);
  return created;
}

/** Ends the processes of a repository, waits for them, and forgets what they read. The next use starts others. */
export async function closeSessions(git: Git): Promise<void> {
  const known = sessions.get(git);
  sessions.delete(git);
  await Promise.all([known?.objects.session.close(), known?.refs.close()]);
}
