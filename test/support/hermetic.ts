/**
 * Gives the whole test run an empty home, so that nobody's git configuration, identity or cache
 * takes part, and no test reaches a remote but one of its own, on the loopback.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default function setup(): () => void {
  const home = mkdtempSync(join(tmpdir(), "trailhand-home-"));
  for (const name of Object.keys(process.env)) {
    if (/^(?:GIT_|XDG_|TRAILHAND_)|^(?:https?|all)_proxy$/i.test(name)) delete process.env[name];
  }
  Object.assign(process.env, {
    HOME: home,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_ALLOW_PROTOCOL: "file:http",
    NO_COLOR: "1",
    TZ: "UTC",
  });
  return () => rmSync(home, { recursive: true, force: true });
}
