/**
 * Writes a commit as a loose object, without a git process. See gitrepository-layout(5).
 *
 * Invariants:
 * - The object appears under its name complete or not at all.
 * - What git would change or refuse, and repositories with rules of their own for objects, are left to git.
 */
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { deflateSync } from "node:zlib";
import type { Sha } from "../core/protocol/ids.ts";
import type { GitLocation, Person } from "./open-repository.ts";
import { requireSha } from "./parse-output.ts";
import { sessionsOf } from "./sessions.ts";

export interface NewCommit {
  /** The tree, or another name of it. */
  readonly tree: string;
  readonly parents: readonly Sha[];
  readonly message: string;
  readonly author: Person;
  readonly committer: Person;
}

type Location = Pick<GitLocation, "commonDir" | "config" | "git">;

/** What git takes away at both ends of a name or address, and what it never writes inside. */
const NOT_PLAIN = /^$|^[\0-\u0020.,:;<>"\\']|[\0-\u0020.,:;<>"\\']$|[<>\n\0]/;
/** Permissions and guarantees for objects that only git knows how to keep. */
const OWN_RULES =
  /^core\.(?:sharedrepository|fsync.*)$|^extensions\.(?!objectformat$|worktreeconfig$|partialclone$)/;
/** What git uses for loose objects by default: speed. */
const COMPRESSION = 1;

/** Returns undefined where `git commit-tree` has to write the commit, or to say why it cannot be written. */
export async function writeCommit(location: Location, commit: NewCommit): Promise<Sha | undefined> {
  const { author, committer, message, parents, tree } = commit;
  const names = [author, committer].flatMap(({ name, email }) => [name, email]);
  if (names.some((name) => NOT_PLAIN.test(name)) || message.includes("\0")) return undefined;
  if ([...location.config.keys()].some((key) => OWN_RULES.test(key))) return undefined;
  const [root, ...bases] = await sessionsOf(location.git).objects.session.info([tree, ...parents]);
  if (root?.type !== "tree" || bases.some((base) => base?.type !== "commit")) return undefined;
  const time = timeOf(new Date());
  const text = [
    `tree ${root.id}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${author.name} <${author.email}> ${time}`,
    `committer ${committer.name} <${committer.email}> ${time}`,
    "",
    message,
  ].join("\n");
  return writeLoose(join(location.commonDir, "objects"), Buffer.from(text), root.id.length);
}

/** Seconds since 1970, and the time zone. */
function timeOf(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const part = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const zone = `${minutes < 0 ? "-" : "+"}${part(Math.abs(minutes) / 60)}${part(Math.abs(minutes) % 60)}`;
  return `${Math.floor(date.getTime() / 1000)} ${zone}`;
}

function writeLoose(objects: string, content: Buffer, idLength: number): Sha | undefined {
  const object = Buffer.concat([Buffer.from(`commit ${content.length}\0`), content]);
  const id = requireSha(
    createHash(idLength === 64 ? "sha256" : "sha1")
      .update(object)
      .digest("hex"),
  );
  const file = join(objects, id.slice(0, 2), id.slice(2));
  // `git gc` removes files with this name that a crash left.
  const temporary = join(dirname(file), `tmp_obj_${randomBytes(8).toString("hex")}`);
  try {
    mkdirSync(dirname(file), { recursive: true });
    if (existsSync(file)) {
      // `git gc` keeps new objects, so an old one becomes new.
      utimesSync(file, new Date(), new Date());
      return id;
    }
    writeFileSync(temporary, deflateSync(object, { level: COMPRESSION }), { flag: "wx", mode: 0o444 });
    renameSync(temporary, file);
    return id;
  } catch {
    // git meets the same problem, and says what it is.
    if (existsSync(temporary)) rmSync(temporary);
    return undefined;
  }
}
