/**
 * Messages into a real repository and back with git's own reading of their trailers: two git
 * processes for any number of messages, so that a hundred thousand take seconds.
 */
import { execFileSync } from "node:child_process";
import { parseRecords } from "../../../src/git/parse-output.ts";
import { parseTrailers } from "../../../src/core/protocol/trailer-block.ts";

/** `git log` with this prints FIELDS fields for each commit, each ended by NUL. */
export const FORMAT = "--format=%H%x00%B%x00%(trailers:only,unfold)%x00";
export const FIELDS = 3;

/** What git 2.39 makes of a commit: its message as `git log` shows it, and the trailers in it. */
export interface Read {
  readonly commit: string;
  readonly message: string;
  readonly trailers: string;
}

/** Our own reading, printed as git prints its own. */
export function printTrailers(message: string): string {
  return parseTrailers(message)
    .trailers.map(({ key, value }) => `${key}: ${value}\n`)
    .join("");
}

/** Stores each message as a commit, byte for byte, and reads all of them back in the same order. */
export function throughGit(dir: string, messages: readonly Uint8Array[]): Read[] {
  const git = (args: readonly string[], input?: Buffer) =>
    execFileSync("git", args, { cwd: dir, maxBuffer: 1 << 30, ...(input ? { input } : {}) });
  const stream: (Uint8Array | string)[] = ["reset refs/heads/fuzz\n"];
  for (const message of messages) {
    stream.push(`commit refs/heads/fuzz\ncommitter <> 0 +0000\ndata ${message.length}\n`, message, "\n");
  }
  // fast-import keeps a branch that it has not heard of in this run, so the old one goes first.
  git(["update-ref", "-d", "refs/heads/fuzz"]);
  git(["fast-import", "--quiet", "--force"], Buffer.concat(stream.map((part) => Buffer.from(part))));
  const output = git(["log", "--reverse", FORMAT, "refs/heads/fuzz"]).toString();
  return parseRecords(output, FIELDS).map(([commit = "", message = "", trailers = ""]) => ({
    commit,
    message,
    trailers,
  }));
}
