/** `trailhand run`: works until nothing is runnable, or watches. */
import { cleanLine } from "../../core/util/redact.ts";
import type { Decision } from "../../core/scheduling/decide.ts";
import { parseBranch, type Branch } from "../../core/protocol/ids.ts";
import { admit } from "../../core/scheduling/admission.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { requireVersion } from "../../git/open-repository.ts";
import type { Workspace } from "../../app/workspace.ts";
import { pushesOf } from "../../app/push-log.ts";
import { openWorkspace, requireTrustedConfig } from "../../app/open-workspace.ts";
import type { CommandCall, CommandRun } from "../call.ts";
import { numberOption, type Input } from "../input.ts";
import { renderColumns } from "../render/render-table.ts";
import {
  checkedOutBranch,
  currentTime,
  reasonIn,
  requireHead,
  stateOf,
  listBranches,
  type BranchListing,
} from "../../app/branch-listing.ts";
import { printJson, printable } from "../render/terminal.ts";
import { runRunner } from "../work.ts";

export const run: CommandRun = async (call) => {
  const { input, env } = call;
  if (input.has("once") && input.has("watch")) throw new UserError(MESSAGES.conflict("run", "once", "watch"));
  const pushes = pushesOf(env, (text) => call.terminal.say(cleanLine(text, 500)));
  const found = await openWorkspace(input.directory, env, { remote: input.value("remote"), pushes });
  const site = input.has("trust-head")
    ? { ...found, contract: trusting(found, checkedOutBranch(found)) }
    : found;
  await requireVersion(site.location.git);
  const concurrency = numberOption(input, "concurrency", 1, 256);
  const branches = await requireBranches(site, input);
  if (input.has("dry-run")) return dryRun(call, site, branches, concurrency);
  return runRunner(call, site, { branches, concurrency });
};

/** The contract of another branch than the trusted one. */
function trusting(site: Workspace, branch: Branch): Workspace["trustedConfig"] {
  return (_target, heads) => site.trustedConfig(branch, heads);
}

async function requireBranches(site: Workspace, input: Input): Promise<Branch[]> {
  const names = input.values("branch");
  if (names.length === 0) return [];
  const { heads } = await site.repository.listRefs();
  return names.map((name) => {
    if (!parseBranch(name)) throw new UserError(MESSAGES.badBranch(name));
    return requireHead(site, heads, name).branch;
  });
}

/** An answer that needs no script is told beforehand. */
function sentenceOf(found: BranchListing, one: Decision): string {
  const known = one.kind === "run" ? one.knownAnswer : undefined;
  return known ? `would answer ${known.state}: ${known.why}` : reasonIn(found, one).sentence;
}

async function dryRun(
  { input, terminal }: CommandCall,
  site: Workspace,
  branches: readonly Branch[],
  concurrency: number | undefined,
): Promise<number> {
  const found = await listBranches(site, currentTime());
  const { snapshot, trustedConfig, decisions } = found;
  await requireTrustedConfig(site, snapshot.target, snapshot.heads);
  const wanted = decisions.filter(({ head }) => branches.length === 0 || branches.includes(head.branch));
  const runs = wanted.flatMap((one) => (one.kind === "run" ? [one] : []));
  const held = admit(snapshot, trustedConfig.workflow, runs, found.now, concurrency).waits;
  const rows = wanted.map((one) => held.find(({ head }) => head.branch === one.head.branch) ?? one);
  if (input.has("json")) {
    printJson(
      terminal,
      rows.map((one) => ({
        branch: one.head.branch,
        commit: one.head.commit,
        state: stateOf(snapshot, one.head) ?? null,
        decision: one.kind,
        ...("why" in one ? { why: one.why } : {}),
        ...("attempt" in one ? { attempt: one.attempt, limit: one.limit ?? null } : {}),
        ...("knownAnswer" in one ? { known: one.knownAnswer } : {}),
        reason: sentenceOf(found, one),
      })),
    );
    return EXIT_CODE.done;
  }
  const lines = rows.map((one) => [
    one.kind,
    printable(one.head.branch, 40),
    stateOf(snapshot, one.head) ?? "-",
    printable(sentenceOf(found, one), 80),
  ]);
  if (lines.length > 0) terminal.print(renderColumns(lines));
  terminal.say(`${runs.length - held.length} would run now. Nothing was done.`);
  return EXIT_CODE.done;
}
