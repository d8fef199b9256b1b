/** `trailhand doctor`: is everything in order, and what mends it? */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { FOLLOW } from "../../core/protocol/refs.ts";
import { cleanLine } from "../../core/util/redact.ts";
import { EXIT_CODE, UserError, shellWord, MESSAGES } from "../../core/messages/messages.ts";
import { WORKFLOW_FILE } from "../../core/workflow/workflow.ts";
import { listCheckouts } from "../../git/checkouts.ts";
import { requireVersion } from "../../git/open-repository.ts";
import { readJson } from "../../git/bay.ts";
import { isGone, type Owner } from "../../process/process-identity.ts";
import type { Workspace } from "../../app/workspace.ts";
import { pushesOf } from "../../app/push-log.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { findDeadLetters } from "../../app/doctor-inbox.ts";
import { findNotices } from "../../app/doctor-notices.ts";
import { identityNotices } from "../../app/doctor-identity.ts";
import { checkRemote } from "../../app/check-remote.ts";
import { currentTime, listBranches, type BranchListing } from "../../app/branch-listing.ts";
import { printJson, printable, type Terminal } from "../render/terminal.ts";

interface Finding {
  readonly about: string;
  /** `bad` keeps Trailhand from working; `odd` is worth a look. */
  readonly level: "fine" | "odd" | "bad";
  readonly what: string;
  readonly next?: string;
}

export const run: CommandRun = async ({ input, terminal, env }) => {
  const pushes = pushesOf(env, (text) => terminal.say(cleanLine(text, 500)));
  const site = await openWorkspace(input.directory, env, { remote: input.value("remote"), pushes });
  const findings = [...(await examine(site)), ...findDeadLetters(env)];
  if (input.has("json")) printJson(terminal, { findings });
  else print(terminal, findings);
  return findings.some(({ level }) => level === "bad") ? EXIT_CODE.failed : EXIT_CODE.done;
};

async function examine(site: Workspace): Promise<Finding[]> {
  const basics = [
    await checkGit(site),
    checkIdentity(site),
    ...checkKind(site),
    ...checkPools(site),
    ...(await remoteFindings(site)),
  ];
  try {
    const found = await listBranches(site, currentTime());
    return [
      ...basics,
      ...checkStates(site, found),
      ...identityNotices(found.trustedConfig.workflow, site.repository.canReadPushes),
      ...checkMessages(found),
      ...checkLeases(found),
      ...(await checkRecords(site, found)),
      ...(await findNotices(site, found)),
    ];
  } catch (error) {
    return [...basics, fromFault("repository", error)];
  }
}

function fromFault(about: string, error: unknown): Finding {
  if (!(error instanceof UserError)) throw error;
  const { message, next } = error;
  return { about, level: "bad", what: message, ...(next === undefined ? {} : { next }) };
}

async function checkGit(site: Workspace): Promise<Finding> {
  try {
    return { about: "git", level: "fine", what: await requireVersion(site.location.git) };
  } catch (error) {
    return fromFault("git", error);
  }
}

function checkIdentity({ location }: Workspace): Finding {
  if (location.person)
    return {
      about: "identity",
      level: "fine",
      what: `${printable(location.person.name)} <${printable(location.person.email)}>`,
    };
  return {
    about: "identity",
    level: "odd",
    what: "git does not know who you are; `run` works, your own requests do not",
    next: 'git config user.name "Your Name" && git config user.email you@example.com',
  };
}

function checkKind({ location }: Workspace): Finding[] {
  if (!location.isShallow) return [];
  const what = "the history is shallow: hand-offs below its edge are not seen";
  return [{ about: "repository", level: "odd", what, next: "git fetch --unshallow" }];
}

/** Tries the promises that runners build on, with throw-away refs. */
async function remoteFindings(site: Workspace): Promise<Finding[]> {
  const { remote } = site;
  if (!remote) return [];
  const about = "remote";
  const { name } = remote.transport.address;
  try {
    await remote.listRefs();
    const wrong = await checkRemote(site, remote, Date.now());
    const what = `${printable(name)}: atomic pushes and leases on refs work`;
    if (wrong === undefined) return [{ about, level: "fine", what }];
    const { what: sentence, next } = MESSAGES.noClaim(wrong);
    return [{ about, level: "bad", what: sentence, ...(next === undefined ? {} : { next }) }];
  } catch (error) {
    return [fromFault(about, error)];
  }
}

function checkStates(site: Workspace, { trustedConfig, snapshot }: BranchListing): Finding[] {
  const { target } = snapshot;
  const about = "states";
  if (!trustedConfig.any) {
    const written = site.location.top !== undefined && existsSync(join(site.location.top, "states"));
    const next = written
      ? `git switch ${shellWord(target)} && git add states && git commit -m "Add Trailhand's states"`
      : "trailhand init";
    const what = written
      ? `states/ is not committed on ${target}, and only what is there counts`
      : `${target} has no states/`;
    return [{ about, level: "bad", what, next }];
  }
  const problems = trustedConfig.problems.map(({ line, path, message }): Finding => {
    const where = `${target}:${WORKFLOW_FILE}${line === undefined ? "" : `:${line}`}`;
    return {
      about: "workflow",
      level: "bad",
      what: `${where}: ${path ? `${path}: ` : ""}${message}`,
      next: `edit ${WORKFLOW_FILE} on ${target}`,
    };
  });
  if (problems.length > 0) return problems;
  const names = Object.keys(trustedConfig.workflow.states).join(", ");
  const kind = trustedConfig.workflow.open
    ? "no workflow file, every executable is a state"
    : "workflow checked";
  return [{ about, level: "fine", what: `${kind}; trusted branch ${target}: ${names}` }];
}

/** A state that its author believes in and git does not read. */
function checkMessages({ snapshot }: BranchListing): Finding[] {
  return snapshot.heads.flatMap(({ branch, reading }): Finding[] => {
    if (reading.kind !== "none" || reading.reason !== "doubt") return [];
    const { doubt } = reading;
    const why =
      doubt.kind === "voided"
        ? `line ${doubt.line} is no trailer, so git reads none of its paragraph: "${printable(doubt.text)}"`
        : `"${printable(doubt.text)}" on line ${doubt.line} is not in the last paragraph, so git does not read it`;
    return [
      {
        about: "message",
        level: "odd",
        what: `${branch}: ${why}`,
        next: "git commit --amend, with the trailers alone in the last paragraph",
      },
    ];
  });
}

function checkLeases({ snapshot }: BranchListing): Finding[] {
  const keys = new Set(snapshot.heads.map(({ key }) => key));
  return [...snapshot.leases].flatMap(([key, { lease, isHolderDead: dead }]): Finding[] => {
    const about = "lease";
    const on = printable(lease?.branch ?? key);
    if (!keys.has(key))
      return [{ about, level: "odd", what: `a lease on ${on}, which is gone`, next: "trailhand gc --prune" }];
    if (dead && !lease?.backoff) {
      return [{ about, level: "odd", what: `the runner that had ${on} died`, next: "trailhand run" }];
    }
    return [];
  });
}

/** Worktrees of runners that died: the next run saves what is in them. */
function checkPools({ cache }: Workspace): Finding[] {
  if (!existsSync(cache.worktrees)) return [];
  return readdirSync(cache.worktrees).flatMap((name): Finding[] => {
    const owner = readJson(join(cache.worktrees, name, "owner.json")) as Owner | undefined;
    if (!owner || !isGone(owner)) return [];
    return [
      {
        about: "worktree",
        level: "odd",
        what: `a runner died and left ${join(cache.worktrees, name)}`,
        next: "trailhand run",
      },
    ];
  });
}

/** Records of worktrees whose folder is gone, and checkouts that could not follow their branch. */
async function checkRecords({ location }: Workspace, { snapshot }: BranchListing): Promise<Finding[]> {
  const [worktrees, follows] = await Promise.all([
    location.git.text(["worktree", "list", "--porcelain", "-z"]),
    location.git.text(["for-each-ref", "--format=%(refname)", FOLLOW]),
  ]);
  const gone = worktrees.split("\0").filter((line) => line.startsWith("prunable"));
  const findings: Finding[] = [];
  if (gone.length > 0) {
    findings.push({
      about: "worktree",
      level: "odd",
      what: `${gone.length} worktree records without a folder`,
      next: "git worktree prune",
    });
  }
  const checkouts = listCheckouts(location);
  for (const key of follows
    .split("\n")
    .flatMap((ref) => (ref === "" ? [] : [ref.slice(ref.lastIndexOf("/") + 1)]))) {
    const branch = snapshot.heads.find((head) => head.key === key)?.branch;
    const dir = checkouts.find((checkout) => checkout.branch === branch)?.dir;
    if (branch === undefined || dir === undefined) continue;
    findings.push({
      about: "checkout",
      level: "odd",
      what: `${dir} did not follow ${printable(branch)}: changed files are in the way`,
      next: `git -C ${shellWord(dir)} stash && trailhand run`,
    });
  }
  return findings;
}

function print(terminal: Terminal, findings: readonly Finding[]): void {
  const { colors } = terminal;
  const marks = { fine: colors.green("✓"), odd: colors.yellow("!"), bad: colors.red("✗") };
  for (const { about, level, what, next } of findings) {
    terminal.print(`${marks[level]} ${about}: ${what}`);
    if (next !== undefined) terminal.print(`    ${colors.dim("next:")} ${next}`);
  }
}
