/**
 * Lists refs, and leaves out those that cannot be read: an empty file in the place of a ref or of a commit, or
 * a commit that is gone. git fails for all refs at the first such commit.
 */
import { type Git, GitExit } from "./git.ts";
import { parseRecords, recordReader } from "./parse-output.ts";

/** A ref without a readable commit. */
export interface UnreadableRef {
  readonly ref: string;
  /** Undefined: its file holds no id. */
  readonly value: string | undefined;
  readonly why: string;
}

export interface RefQuery {
  /** The fields, each of which git ends with NUL. */
  readonly fields: readonly string[];
  readonly options?: readonly string[];
  readonly patterns: readonly string[];
  /** May get a ref a second time, after git failed at a later one. */
  readonly take: (record: string[]) => void;
}

/** Refs that are named in one call. */
const MOST_NAMED = 200;
const BROKEN = /^warning: ignoring broken ref (\S+)$/gm;

/** Returns the refs that cannot be read. Throws GitExit when that is not what git complains about. */
export async function forEachRef(git: Git, query: RefQuery): Promise<UnreadableRef[]> {
  try {
    return brokenIn(await list(git, query));
  } catch (error) {
    // A git that was killed says nothing about the refs.
    if (!(error instanceof GitExit) || !Number.isInteger(error.code)) throw error;
    return listEach(git, query, error);
  }
}

async function list(git: Git, { fields, options = [], patterns, take }: RefQuery): Promise<string> {
  const format = `--format=${fields.map((field) => `${field}%00`).join("")}`;
  const onText = recordReader(fields.length, take);
  return (await git.run(["for-each-ref", format, ...options, ...patterns], { onText })).stderr;
}

const brokenIn = (stderr: string): UnreadableRef[] =>
  [...stderr.matchAll(BROKEN)].map(([, ref = ""]) => ({
    ref,
    value: undefined,
    why: "its file holds no object id",
  }));

/** Halves the list until the refs at which git fails stand alone. */
async function listEach(git: Git, query: RefQuery, error: GitExit): Promise<UnreadableRef[]> {
  const { stdout, stderr } = await git.run([
    "for-each-ref",
    "--format=%(refname)%00%(objectname)%00",
    ...query.patterns,
  ]);
  const ids = new Map(parseRecords(stdout, 2).map(([ref = "", value = ""]) => [ref, value]));
  const unreadable = brokenIn(stderr);
  const groups = chunk([...ids.keys()]);
  for (let names = groups.pop(); names !== undefined; names = groups.pop()) {
    try {
      await list(git, { ...query, patterns: names });
    } catch (problem) {
      if (!(problem instanceof GitExit)) throw problem;
      const half = Math.ceil(names.length / 2);
      const [ref = ""] = names;
      if (names.length > 1) groups.push(names.slice(0, half), names.slice(half));
      else unreadable.push({ ref, value: ids.get(ref), why: problem.message });
    }
  }
  if (unreadable.length === 0) throw error;
  return unreadable;
}

function chunk(names: readonly string[]): string[][] {
  const groups: string[][] = [];
  for (let at = 0; at < names.length; at += MOST_NAMED) groups.push(names.slice(at, at + MOST_NAMED));
  return groups;
}
