/** `trailhand check`: records how a check from outside ended, for the present head of a branch. */
import type { Ref, Sha } from "../../core/protocol/ids.ts";
import { CHECKS } from "../../core/protocol/refs.ts";
import { nearest } from "../../core/util/suggest.ts";
import { formatChecks, readSides } from "../../core/scheduling/side-refs.ts";
import type { Head } from "../../core/scheduling/snapshot.ts";
import { EXIT, Fault, words } from "../../core/messages/messages.ts";
import { readTrail } from "../../git/repository.ts";
import type { Site } from "../../app/workspace.ts";
import { openSite } from "../../app/open-workspace.ts";
import type { Run } from "../call.ts";
import { requireHead } from "../../app/branch-listing.ts";
import { Inquirer } from "../../engine/loop/fact-loader.ts";
import { printJson } from "../render/terminal.ts";

const CONCLUSIONS = [
  "success",
  "failure",
  "neutral",
  "cancelled",
  "skipped",
  "timed_out",
  "action_required",
] as const;

/** Checks of one commit end together, and each is a swap of the same ref. */
const TRIES = 20;

export const run: Run = async ({ input, terminal, env }) => {
  const [name = "", conclusion = "", wanted] = input.arguments;
  if (!/^[\w./-]{1,100}$/.test(name)) throw new Fault(words.badCheckName(name));
  if (!CONCLUSIONS.some((one) => one === conclusion)) {
    const near = nearest(conclusion, CONCLUSIONS);
    throw new Fault(words.badConclusion(conclusion, near, CONCLUSIONS.join(", ")));
  }
  const site = await openSite(input.directory, env, { remote: input.value("remote") });
  const look = await site.repository.look();
  const head = requireHead(site, look.heads, wanted);
  const contract = await site.contract(look.target, look.heads);
  const { approved } = await new Inquirer(site.repository).inquire(look, contract);
  // What was approved is what is checked: an approval changes no file.
  const commit = approved.get(head.key)?.approved ?? head.commit;
  const checked = input.value("commit");
  if (checked !== undefined && checked !== commit && checked !== head.commit)
    throw new Fault(words.checkedAnother(head.branch, checked));
  await record(site, head, commit, name, conclusion);
  if (input.has("json")) printJson(terminal, { branch: head.branch, commit, name, conclusion });
  else terminal.print(`${name} is ${conclusion} at ${commit.slice(0, 10)} on ${head.branch}`);
  return EXIT.done;
};

/** Keeps it beside what is known of the same commit. */
export async function record(
  site: Site,
  head: Head,
  commit: Sha,
  name: string,
  conclusion: string,
): Promise<void> {
  const { repository, place } = site;
  const ref = `${CHECKS}${head.key}` as Ref;
  for (let tries = 0; tries < TRIES; tries++) {
    const expected = (await repository.read([ref])).get(ref) ?? null;
    const [note] = expected ? await readTrail(place, expected, 1) : [];
    const before = note && readSides([[ref, note.commit, note.message]]).checks.get(head.key);
    const results = new Map(before?.commit === commit ? before.results : []);
    if (results.get(name) === conclusion) return;
    const next = await repository.note(
      formatChecks(head.branch, { commit, results: results.set(name, conclusion) }),
    );
    const swap = await repository.swap([{ ref, expected, next }], "check");
    if (swap.kind === "landed") return;
  }
  throw new Fault(words.headMoved(head.branch));
}
