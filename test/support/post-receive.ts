/**
 * A host's post-receive hook: tells who moved which ref, for the webhook and the log of activities.
 *
 * What must hold: git runs it, after the refs have moved; who pushes is REMOTE_USER, as
 * git-http-backend(1) sets it.
 */
import { chmodSync, readFileSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";

export interface Received {
  readonly before: string;
  readonly after: string;
  readonly ref: string;
  /** The login of who pushed. */
  readonly login: string;
}

const HOOK = `#!/bin/sh
while read -r before after ref; do
  printf '%s %s %s %s\\n' "$before" "$after" "$ref" "\${REMOTE_USER:-nobody}" >>pushes.log
done
`;

/** Tells of every move of a ref of a bare repository, in their order, until the test ends. */
export function tellPushes(bare: string, take: (one: Received) => void): void {
  const log = join(bare, "pushes.log");
  const hook = join(bare, "hooks", "post-receive");
  writeFileSync(log, "");
  writeFileSync(hook, HOOK);
  chmodSync(hook, 0o755);
  let told = 0;
  const watcher = watch(log, () => {
    // A line that is not whole yet is told with the next change.
    const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
    for (const line of lines.slice(told)) {
      const [before = "", after = "", ref = "", login = ""] = line.split(" ");
      take({ before, after, ref, login });
    }
    told = lines.length;
  });
  onTestFinished(() => watcher.close());
}
