/**
 * Attributes the lines of a file to hand-offs.
 *
 * Invariants:
 * - A line that no hand-off wrote keeps its author.
 * - A missing link between a merged commit and its hand-off is reported, never guessed.
 */
import { findFirstRequest, type HandOffReport, type HandOffHistory } from "./hand-off-report.ts";
import { parseSha, type Sha } from "../protocol/ids.ts";
import { parseMessage, valueOf, valuesOf } from "../protocol/message.ts";
import type { Commit } from "../protocol/request.ts";
import { parseTrailers, type Trailer } from "../protocol/trailer-block.ts";
import { KEY } from "../protocol/trailer-keys.ts";

export interface BlamedLine {
  /** Counted from 1, in the requested file. */
  readonly line: number;
  /** The number of the line in its commit. */
  readonly was: number;
  readonly commit: Sha;
  /** The path of the file in its commit. */
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

/** The hand-off that wrote a line. */
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
  /** The subject of the request. */
  readonly asked: string;
  /** The subject of the first request of the work. */
  readonly origin: string;
  readonly approvedBy: readonly string[];
}

/** How a commit was merged into the trusted branch. */
export interface Landing {
  readonly branch: string | undefined;
  /** The last hand-off of the work. Undefined if no trailer names it, or its commit is not available. */
  readonly archive: HandOffReport | undefined;
  readonly missing: string | undefined;
  readonly approvedBy: readonly string[];
}

export interface CreditedLine extends BlamedLine {
  readonly credit: Credit | undefined;
  /** The branch of work that was merged as one commit. */
  readonly landedFrom: string | undefined;
  /** Why a merged line has no hand-off. */
  readonly missing: string | undefined;
}

/** Parses the output of `git blame --porcelain` with `core.quotePath=false`. */
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
    const entry = commits.get(at.commit) ?? { author: "", mail: "", at: 0, subject: "" };
    if (key === "author") commits.set(at.commit, { ...entry, author: value });
    if (key === "author-mail") commits.set(at.commit, { ...entry, mail: value.replace(/^<|>$/g, "") });
    if (key === "author-time") commits.set(at.commit, { ...entry, at: Number(value) || 0 });
    if (key === "summary") commits.set(at.commit, { ...entry, subject: value });
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

/** Decodes a path as git prints it: quoted and escaped if it contains control characters. */
function unquoted(path: string): string {
  if (!/^".*"$/.test(path)) return path;
  return path
    .slice(1, -1)
    .replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
      code.length === 3 ? String.fromCharCode(Number.parseInt(code, 8)) : (ESCAPED[code] ?? code),
    );
}

/** The hand-off of each commit. If two contain it, the one that answered first. */
export function handOffsByCommit(history: HandOffHistory): ReadonlyMap<Sha, HandOffReport> {
  const handOffs = new Map<Sha, HandOffReport>();
  for (const handOff of history.handOffs) {
    for (const commit of handOff.commits) {
      const other = handOffs.get(commit);
      if (!other || handOff.answer.committed < other.answer.committed) handOffs.set(commit, handOff);
    }
  }
  return handOffs;
}

/**
 * How a commit was merged, by its own trailers or by the answer that names it; undefined if it is
 * not a merged commit.
 */
export function landingOf(history: HandOffHistory, id: Sha): Landing | undefined {
  const commit = history.commits.get(id);
  const { trailers } = parseTrailers(commit?.message ?? "");
  const branch = valueOf(trailers, KEY.landedFrom);
  const archiveId = valueOf(trailers, KEY.archive);
  const namingHandOff = history.handOffs.find(
    (handOff) =>
      valueOf(handOff.trailers, KEY.landed) === id || valueOf(handOff.trailers, KEY.archive) === id,
  );
  if (!commit || (branch === undefined && archiveId === undefined && !namingHandOff)) return undefined;
  const archive =
    archiveId === undefined
      ? (namingHandOff ?? findRunningHandOff(history, branch, commit))
      : (findHandOff(history, archiveId as Sha) ?? namingHandOff);
  const missing =
    archiveId === undefined
      ? "no Archive trailer names the answer that merged it"
      : "its archive is not here";
  return {
    branch: branch ?? archive?.branch,
    archive,
    missing: archive ? undefined : missing,
    approvedBy: approversIn(trailers),
  };
}

/** The hand-off with this answer, else with this request: a script that merges knows only its request. */
const findHandOff = (history: HandOffHistory, id: Sha): HandOffReport | undefined =>
  history.byAnswer.get(id) ?? history.byRequest.get(id)?.[0];

/** The hand-off of a branch that was running when a commit was made. */
function findRunningHandOff(
  history: HandOffHistory,
  branch: string | undefined,
  { committed }: Commit,
): HandOffReport | undefined {
  return history.handOffs.find(
    (handOff) =>
      handOff.branch === branch &&
      handOff.request.committed <= committed &&
      committed <= handOff.answer.committed,
  );
}

/** The addresses of the approvers, without the commit id that follows each. */
const approversIn = (trailers: readonly Trailer[]): string[] =>
  valuesOf(trailers, KEY.approvedBy).map((value) => value.replace(/ [0-9a-f]{40,64}$/, ""));

/** The credit of a hand-off. Its approvals may be recorded in a later answer. */
export function creditOf(history: HandOffHistory, handOff: HandOffReport, landing?: Landing): Credit {
  const { answer, request, branch, from, to, trailers } = handOff;
  const value = (key: string) => valueOf(trailers, key);
  const message = parseMessage(request.message);
  return {
    answer: answer.commit,
    request: request.commit,
    branch,
    from,
    to,
    runner: value(KEY.runner),
    agent: value(KEY.agent) ?? valueOf(message.trailers, KEY.assignedTo),
    model: value(KEY.model),
    cost: value(KEY.cost),
    asked: message.header,
    origin: parseMessage(findFirstRequest(history, request).message).header,
    approvedBy: findApprovers(history, handOff) ?? landing?.approvedBy ?? [],
  };
}

/** The approvers in the answer, or in the first later answer that has any. */
function findApprovers(history: HandOffHistory, handOff: HandOffReport): string[] | undefined {
  const seen = new Set<HandOffReport>();
  for (let at: HandOffReport | undefined = handOff; at && !seen.has(at);) {
    const approvers = approversIn(at.trailers);
    if (approvers.length > 0) return approvers;
    seen.add(at);
    const next: readonly HandOffReport[] = history.byRequest.get(at.answer.commit) ?? [];
    at = next.find(({ branch }) => branch === handOff.branch) ?? next[0];
  }
  return undefined;
}

/** Finds a merged line in its archive: the same number with the same text, else the only such text. */
export function findSameLine(archive: Blame, { was, text }: BlamedLine): BlamedLine | undefined {
  const sameNumber = archive.lines[was - 1];
  if (sameNumber?.text === text) return sameNumber;
  const sameText = archive.lines.filter((line) => line.text === text);
  return sameText.length === 1 ? sameText[0] : undefined;
}
