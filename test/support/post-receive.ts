/**
 * Reports pushes with a post-receive hook, for the webhook and the activity log.
 *
 * Invariants:
 * - git runs the hook after the refs have moved.
 * - The pusher is REMOTE_USER, as set by git-http-backend(1).
 */
import { chmodSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export interface Received {
  readonly before: string;
  readonly after: string;
  readonly ref: string;
  /** The login of the pusher. */
  readonly login: string;
}

const HOOK = `#!/bin/sh
while read -r before after ref; do
  printf '%s %s %s %s\\n' "$before" "$after" "$ref" "\${REMOTE_USER:-anonymous}" >>pushes.log
done
`;

/** Reports every ref update of a bare repository in order, until the test ends. */
export function tellPushes(bare: string, take: (one: Received) => void): void {
  const log = join(bare, "pushes.log");
  const hook = join(bare, "hooks", "post-receive");
  writeFileSync(log, "");
  writeFileSync(hook, HOOK);
  chmodSync(hook, 0o755);
  let told = 0;
  const watcher = watch(log, () => {
    // An incomplete last line is read after the next change.
    const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
    for (const line of lines.slice(told)) {
      const [before = "", after = "", ref = "", login = ""] = line.split(" ");
      take({ before, after, ref, login });
    }
    told = lines.length;
  });
  onTestFinished(() => watcher.close());
}
