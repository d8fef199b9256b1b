/**
 * Which hand-off a line of a file came from.
 *
 * What must hold: pure; a line that no hand-off carried keeps the name of the person who wrote it;
 * what a landing does not say is said to be missing, never guessed.
 */
import { findFirstRequest, type HandOffReport, type HandOffHistory } from "./hand-off-report.ts";
import { parseSha, type Sha } from "../protocol/ids.ts";
import { parseMessage, valueOf, valuesOf } from "../protocol/message.ts";
import type { Commit } from "../protocol/request.ts";
import { parseTrailers, type Trailer } from "../protocol/trailer-block.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface BlamedLine {
  /** Counted from 1, in the file that was asked about. */
  readonly line: number;
  /** Its number in the file of its commit. */
  readonly was: number;
  readonly commit: Sha;
  /** The file in its commit. */
  readonly file: string;
  readonly text: string;
}

export interface BlamedCommit {
  readonly author: string;
  readonly mail: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly subject: string;
}

export interface Blame {
  readonly lines: readonly BlamedLine[];
  readonly commits: ReadonlyMap<Sha, BlamedCommit>;
}

/** What a hand-off says about a line of its own. */
export interface Credit {
  readonly answer: Sha;
  readonly request: Sha;
  readonly branch: string;
  readonly from: string;
  readonly to: string;
  readonly runner: string | undefined;
  readonly agent: string | undefined;
  readonly model: string | undefined;
  readonly cost: string | undefined;
  /** First lines: of the request, and of the one that began the work. */
  readonly asked: string;
  readonly origin: string;
  readonly approvedBy: readonly string[];
}

/** How a commit of the trusted branch came there. */
export interface Landing {
  readonly branch: string | undefined;
  /** The answer that ended the work; undefined when nothing names it, or it is not here. */
  readonly archive: HandOffReport | undefined;
  readonly missing: string | undefined;
  readonly approvedBy: readonly string[];
}

/** A line with what is known of it. */
export interface CreditedLine extends BlamedLine {
  readonly credit: Credit | undefined;
  /** Set for work that was landed as one commit: the branch that it came from. */
  readonly landedFrom: string | undefined;
  /** Why a landed line has no hand-off of its own. */
  readonly missing: string | undefined;
}

/** Reads `git blame --porcelain` that was printed with `core.quotePath=false`. */
export function parseBlame(output: string): Blame {
  const lines: BlamedLine[] = [];
  const commits = new Map<Sha, BlamedCommit>();
  const files = new Map<Sha, string>();
  let at: { commit: Sha; was: number; line: number } | undefined;
  for (const row of output.split("\n")) {
    if (row.startsWith("\t")) {
      if (at) lines.push({ ...at, file: files.get(at.commit) ?? "", text: row.slice(1) });
      at = undefined;
      continue;
    }
    const space = row.indexOf(" ");
    const [key, value] = space < 0 ? [row, ""] : [row.slice(0, space), row.slice(space + 1)];
    if (!at) {
      const commit = parseSha(key);
      const [was = 0, line = 0] = value.split(" ").map(Number);
      if (commit) at = { commit, was, line };
      continue;
    }
    const known = commits.get(at.commit) ?? { author: "", mail: "", at: 0, subject: "" };
    if (key === "author") commits.set(at.commit, { ...known, author: value });
    if (key === "author-mail") commits.set(at.commit, { ...known, mail: value.replace(/^<|>$/g, "") });
    if (key === "author-time") commits.set(at.commit, { ...known, at: Number(value) || 0 });
    if (key === "summary") commits.set(at.commit, { ...known, subject: value });
    if (key === "filename") files.set(at.commit, unquoted(value));
  }
  return { lines, commits };
}

const ESCAPED: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** A path as git prints it: in quotes, with escapes, where it has characters that would end a line. */
function unquoted(path: string): string {
  if (!/^".*"$/.test(path)) return path;
  return path
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, sign: string) =>
      sign.length === 3 ? String.fromCharCode(Number.parseInt(sign, 8)) : (ESCAPED[sign] ?? sign),
    );
}

/** The hand-offs by the commits that they carried; of two, the one that answered first. */
export function handOffsByCommit(past: HandOffHistory): ReadonlyMap<Sha, HandOffReport> {
  const found = new Map<Sha, HandOffReport>();
  for (const one of past.handOffs) {
    for (const commit of one.commits) {
      const other = found.get(commit);
      if (!other || one.answer.committed < other.answer.committed) found.set(commit, one);
    }
  }
  return found;
}

/** How a commit landed, by its own trailers or by the answer that names it; undefined: it did not. */
export function landingOf(past: HandOffHistory, id: Sha): Landing | undefined {
  const commit = past.commits.get(id);
  const { trailers } = parseTrailers(commit?.message ?? "");
  const branch = valueOf(trailers, KEY.landedFrom);
  const archived = valueOf(trailers, KEY.archive);
  const names = (one: HandOffReport, key: string) => valueOf(one.trailers, key) === id;
  const named = past.handOffs.find((one) => names(one, KEY.landed) || names(one, KEY.archive));
  if (!commit || (branch === undefined && archived === undefined && !named)) return undefined;
  const byId = archived === undefined ? undefined : handOffAt(past, archived as Sha);
  const archive = byId ?? named ?? (archived === undefined ? ranWhen(past, branch, commit) : undefined);
  const missing =
    archived === undefined ? "no Archive trailer says which answer landed it" : "its archive is not here";
  return {
    branch: branch ?? archive?.branch,
    archive,
    missing: archive ? undefined : missing,
    approvedBy: approvedIn(trailers),
  };
}

/** The hand-off that a commit ends, or else begins: a script that lands knows its request only. */
const handOffAt = (past: HandOffHistory, id: Sha): HandOffReport | undefined =>
  past.byAnswer.get(id) ?? past.byRequest.get(id)?.[0];

/** The hand-off of a branch during which a commit was made; by hand it is made after the last one. */
function ranWhen(
  past: HandOffHistory,
  branch: string | undefined,
  { committed }: Commit,
): HandOffReport | undefined {
  return past.handOffs.find(
    (one) => one.branch === branch && one.request.committed <= committed && committed <= one.answer.committed,
  );
}

/** Who approved; the commit of the approval stands behind the address. */
const approvedIn = (trailers: readonly Trailer[]): string[] =>
  valuesOf(trailers, KEY.approvedBy).map((value) => value.replace(/ [0-9a-f]{40,64}$/, ""));

/** What a hand-off says. Approvals may come with a later answer of the same line. */
export function creditOf(past: HandOffHistory, handOff: HandOffReport, landing?: Landing): Credit {
  const { answer, request, branch, from, to, trailers } = handOff;
  const value = (key: string) => valueOf(trailers, key);
  const asked = parseMessage(request.message);
  return {
    answer: answer.commit,
    request: request.commit,
    branch,
    from,
    to,
    runner: value(KEY.runner),
    agent: value(KEY.agent) ?? valueOf(asked.trailers, KEY.assignedTo),
    model: value(KEY.model),
    cost: value(KEY.cost),
    asked: asked.header,
    origin: parseMessage(findFirstRequest(past, request).message).header,
    approvedBy: approvers(past, handOff) ?? landing?.approvedBy ?? [],
  };
}

/** Of the answer, or of the first one after it that has any. */
function approvers(past: HandOffHistory, handOff: HandOffReport): string[] | undefined {
  const seen = new Set<HandOffReport>();
  for (let at: HandOffReport | undefined = handOff; at && !seen.has(at);) {
    const found = approvedIn(at.trailers);
    if (found.length > 0) return found;
    seen.add(at);
    const next: readonly HandOffReport[] = past.byRequest.get(at.answer.commit) ?? [];
    at = next.find(({ branch }) => branch === handOff.branch) ?? next[0];
  }
  return undefined;
}

/** The line of a whole archived file that a landed line is: the same number with the same text, or the only such text. */
export function findSameLine(archive: Blame, { was, text }: BlamedLine): BlamedLine | undefined {
  const there = archive.lines[was - 1];
  if (there?.text === text) return there;
  const same = archive.lines.filter((one) => one.text === text);
  return same.length === 1 ? same[0] : undefined;
}
