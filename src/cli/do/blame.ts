/** `trailhand blame`: the hand-off that each line of a file came from. */
import {
  handOffsByCommit,
  creditOf,
  landingOf,
  parseBlame,
  findSameLine,
  type Blame,
  type BlamedLine,
  type Credit,
  type CreditedLine,
  type Landing,
} from "../../core/analysis/blame.ts";
import {
  readHandOffHistory,
  type HandOffReport,
  type HandOffHistory,
} from "../../core/analysis/hand-off-report.ts";
import { parseBranch, refOf, type Sha } from "../../core/protocol/ids.ts";
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { GitExit } from "../../git/git.ts";
import type { Workspace } from "../../app/workspace.ts";
import { openWorkspace } from "../../app/open-workspace.ts";
import type { CommandRun } from "../call.ts";
import { readAllCommits } from "../../app/history-queries.ts";
import { renderBlame } from "../render/render-blame.ts";
import { printJson } from "../render/terminal.ts";

export const run: CommandRun = async ({ input, terminal, env }) => {
  const site = await openWorkspace(input.directory, env);
  const name = input.value("branch");
  const branch = name === undefined ? undefined : parseBranch(name);
  if (name !== undefined && !branch) throw new UserError(MESSAGES.badBranch(name));
  const rev = branch ? refOf(branch) : "HEAD";
  const asked = input.arguments[0] ?? "";
  const { file, blame } = await blameAsked(site, rev, asked);
  const { commits, cut } = await readAllCommits(site, [rev]);
  const lines = await attribute(site, readHandOffHistory(commits), blame);
  if (input.has("json")) {
    printJson(terminal, { file, rev, complete: !cut, lines: lines.map((line) => described(blame, line)) });
    return EXIT_CODE.done;
  }
  if (lines.length > 0) terminal.print(renderBlame(blame, lines, terminal.colors));
  if (cut) terminal.say("Older commits were not read: a hand-off among them shows as its author.");
  return EXIT_CODE.done;
};

const LINES = /^([^]+):(\d{1,9})(?:-(\d{1,9}))?$/;

/** A file may itself be called `a:12`: it is meant where the shorter name is no file. */
async function blameAsked(
  site: Workspace,
  rev: string,
  asked: string,
): Promise<{ file: string; blame: Blame }> {
  const [, short, first = "", last = first] = LINES.exec(asked) ?? [];
  if (short === undefined) return { file: asked, blame: await blameLines(site, rev, asked) };
  try {
    return { file: short, blame: await blameLines(site, rev, short, `${first},${last}`) };
  } catch (error) {
    const whole = await blameLines(site, rev, asked).catch(() => undefined);
    if (whole) return { file: asked, blame: whole };
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
  const some = range === undefined ? [] : ["-L", range];
  try {
    return parseBlame(await git.text(["blame", "--porcelain", "--no-textconv", ...some, rev, "--", file]));
  } catch (error) {
    if (!(error instanceof GitExit)) throw error;
    const why = (error.stderr.split("\n")[0] ?? "").replace(/^(?:fatal|error): /, "");
    throw new UserError(MESSAGES.noSuchLines(file, rev, why), { cause: error });
  }
}

/** Lines of landed work are looked for in its archive, with one more `git blame` for each file there. */
async function attribute(site: Workspace, past: HandOffHistory, blame: Blame): Promise<CreditedLine[]> {
  const carried = handOffsByCommit(past);
  const landings = new Map<Sha, Landing | undefined>();
  const archives = new Map<string, Blame | undefined>();
  const credits = new Map<string, Credit>();
  const inArchive = async (answer: Sha, line: BlamedLine): Promise<BlamedLine | undefined> => {
    const key = `${answer} ${line.file}`;
    if (!archives.has(key)) archives.set(key, await blameFromTop(site, answer, line.file));
    const archive = archives.get(key);
    return archive && findSameLine(archive, line);
  };
  const creditFor = (handOff: HandOffReport, landing: Landing | undefined, line: BlamedLine): Credit => {
    const key = `${handOff.answer.commit} ${landing ? line.commit : ""}`;
    const credit = credits.get(key) ?? creditOf(past, handOff, landing);
    credits.set(key, credit);
    return credit;
  };
  const found: CreditedLine[] = [];
  for (const line of blame.lines) {
    const { commit } = line;
    const own = carried.get(commit);
    if (!own && !landings.has(commit)) landings.set(commit, landingOf(past, commit));
    const landing = landings.get(commit);
    const there = landing?.archive && (await inArchive(landing.archive.answer.commit, line));
    const handOff = own ?? (there && carried.get(there.commit)) ?? landing?.archive;
    found.push({
      ...line,
      credit: handOff && creditFor(handOff, landing, line),
      landedFrom: landing?.branch,
      missing: landing?.missing,
    });
  }
  return found;
}

/** Undefined when the archive has no such file. Its name counts from the top, wherever we stand. */
async function blameFromTop(site: Workspace, answer: Sha, file: string): Promise<Blame | undefined> {
  const { git } = site.location;
  const up = (await git.text(["rev-parse", "--show-cdup"], { allowedCodes: [128] })).replace(/\n$/, "");
  return blameLines(site, answer, `${up}${file}`).catch(() => undefined);
}

function described(blame: Blame, line: CreditedLine): object {
  const by = blame.commits.get(line.commit);
  return {
    line: line.line,
    commit: line.commit,
    author: by && { name: by.author, mail: by.mail, at: by.at, subject: by.subject },
    handOff: line.credit ?? null,
    landedFrom: line.landedFrom ?? null,
    missing: line.missing ?? null,
    text: line.text,
  };
}
