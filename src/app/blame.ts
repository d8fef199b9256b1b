/** Attributes each line of a file to the hand-off that it came from. */
import {
  creditOf,
  findSameLine,
  handOffsByCommit,
  landingOf,
  parseBlame,
  type Blame,
  type BlamedLine,
  type Credit,
  type CreditedLine,
  type Landing,
} from "../core/analysis/blame.ts";
import {
  readHandOffHistory,
  type HandOffHistory,
  type HandOffReport,
} from "../core/analysis/hand-off-report.ts";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import { refOf, type Sha } from "../core/protocol/ids.ts";
import { GitExit } from "../git/git.ts";
import { requireBranchName } from "./find-branch.ts";
import { readAllCommits } from "./read-all-commits.ts";
import type { Workspace } from "./workspace.ts";

export interface BlameReport {
  readonly file: string;
  /** The revision of the file: a branch ref, or `HEAD`. */
  readonly rev: string;
  readonly blame: Blame;
  readonly lines: readonly CreditedLine[];
  /** False when there are older commits that were not read. */
  readonly complete: boolean;
}

/** `name` is a file, optionally with `:<line>` or `:<line>-<line>`; `branch` is HEAD by default. */
export async function blameFile(
  workspace: Workspace,
  name: string,
  branch: string | undefined,
): Promise<BlameReport> {
  const rev = branch === undefined ? "HEAD" : refOf(requireBranchName(branch));
  const { file, blame } = await blameNamed(workspace, rev, name);
  const { commits, isCut } = await readAllCommits(workspace, [rev]);
  const lines = await attribute(workspace, readHandOffHistory(commits), blame);
  return { file, rev, blame, lines, complete: !isCut };
}

const LINES = /^([^]+):(\d{1,9})(?:-(\d{1,9}))?$/;

/** A file may itself be called `a:12`: that name counts where there is no file `a`. */
async function blameNamed(
  workspace: Workspace,
  rev: string,
  name: string,
): Promise<{ file: string; blame: Blame }> {
  const [, file, first = "", last = first] = LINES.exec(name) ?? [];
  if (file === undefined) return { file: name, blame: await blameLines(workspace, rev, name) };
  try {
    return { file, blame: await blameLines(workspace, rev, file, `${first},${last}`) };
  } catch (error) {
    const whole = await blameLines(workspace, rev, name).catch(() => undefined);
    if (whole) return { file: name, blame: whole };
    throw error;
  }
}

async function blameLines(
  { location }: Workspace,
  rev: string,
  file: string,
  range?: string,
): Promise<Blame> {
  const git = location.git.with({ settings: ["core.quotePath=false"] });
  const lines = range === undefined ? [] : ["-L", range];
  try {
    return parseBlame(await git.text(["blame", "--porcelain", "--no-textconv", ...lines, rev, "--", file]));
  } catch (error) {
    if (!(error instanceof GitExit)) throw error;
    const why = (error.stderr.split("\n")[0] ?? "").replace(/^(?:fatal|error): /, "");
    throw new UserError(MESSAGES.noSuchLines(file, rev, why), { cause: error });
  }
}

/** Lines of landed work are looked up in its archive, with one more `git blame` for each file there. */
async function attribute(workspace: Workspace, past: HandOffHistory, blame: Blame): Promise<CreditedLine[]> {
  const carried = handOffsByCommit(past);
  const landings = new Map<Sha, Landing | undefined>();
  const archives = new Map<string, Blame | undefined>();
  const credits = new Map<string, Credit>();
  const inArchive = async (answer: Sha, line: BlamedLine): Promise<BlamedLine | undefined> => {
    const key = `${answer} ${line.file}`;
    if (!archives.has(key)) archives.set(key, await blameFromTop(workspace, answer, line.file));
    const archive = archives.get(key);
    return archive && findSameLine(archive, line);
  };
  const creditFor = (handOff: HandOffReport, landing: Landing | undefined, line: BlamedLine): Credit => {
    const key = `${handOff.answer.commit} ${landing ? line.commit : ""}`;
    const credit = credits.get(key) ?? creditOf(past, handOff, landing);
    credits.set(key, credit);
    return credit;
  };
  const credited: CreditedLine[] = [];
  for (const line of blame.lines) {
    const { commit } = line;
    const own = carried.get(commit);
    if (!own && !landings.has(commit)) landings.set(commit, landingOf(past, commit));
    const landing = landings.get(commit);
    const archivedLine = landing?.archive && (await inArchive(landing.archive.answer.commit, line));
    const handOff = own ?? (archivedLine && carried.get(archivedLine.commit)) ?? landing?.archive;
    credited.push({
      ...line,
      credit: handOff && creditFor(handOff, landing, line),
      landedFrom: landing?.branch,
      missing: landing?.missing,
    });
  }
  return credited;
}

/** Undefined when the archive has no such file. The file name counts from the top of the repository. */
async function blameFromTop(workspace: Workspace, answer: Sha, file: string): Promise<Blame | undefined> {
  const { git } = workspace.location;
  const up = (await git.text(["rev-parse", "--show-cdup"], { allowedCodes: [128] })).replace(/\n$/, "");
  return blameLines(workspace, answer, `${up}${file}`).catch(() => undefined);
}
