/** `trailhand status`. */
import { openSite } from "../../wire.ts";
import type { Run } from "../call.ts";

export const run: Run = async (call) => {
  const remote = call.input.value("remote");
  const opening = openSite(call.input.directory, call.env, { lookAhead: true, remember: true, remote });
  // People type this often: while git is at work, the rest of the program is loaded.
  const page = import("../status-page.ts");
  const site = await opening;
  return (await page).showStatus(call, site);
};
