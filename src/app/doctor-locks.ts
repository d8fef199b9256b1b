/** Checks for locks that a killed git left. */
import { existsSync } from "node:fs";
import { shellWord } from "../core/messages/messages.ts";
import { formatDuration } from "../core/util/duration.ts";
import { findOldLocks } from "../git/old-locks.ts";
import { LOCKS } from "../git/timing.ts";
import type { Finding } from "./finding.ts";
import type { Workspace } from "./workspace.ts";

const about = "lock";

export async function checkLocks({ location, remote }: Workspace): Promise<Finding[]> {
  const dead = (await location.locks?.listDead()) ?? [];
  const ours = new Set(dead.flatMap(({ locks }) => locks.map(({ path }) => path)).filter(existsSync));
  const old = findOldLocks(location.commonDir, Date.now()).filter((path) => !ours.has(path));
  return [
    ...[...ours].map((path): Finding => {
      const what = `a git of a killed runner left ${path}`;
      return { about, level: "odd", what, next: "trailhand run" };
    }),
    ...old.map((path): Finding => {
      const what = `${path} is older than ${formatDuration(LOCKS.oldMs)}, and git waits for it`;
      const next = remote ? "trailhand run" : `rm -f ${shellWord(path)}, once no git works there`;
      return { about, level: "odd", what, next };
    }),
  ];
}
