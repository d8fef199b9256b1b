/**
 * Stores messages in a real repository and reads them back with git's own view of their trailers.
 * It uses few git processes for any number of messages, so that 100,000 take seconds.
 */
import { execFileSync } from "node:child_process";
import { parseRecords } from "../../../src/git/parse-output.ts";
import { parseTrailers } from "../../../src/core/protocol/trailer-block.ts";

/** A format of `git log`: FIELDS fields for each commit, each ended by NUL. */
export const FORMAT = "--format=%H%x00%B%x00%(trailers:only,unfold)%x00";
export const FIELDS = 3;

/** A commit as git reads it: the message that `git log` prints, and its trailers. */
export interface GitReading {
  readonly commit: string;
  readonly message: string;
  readonly trailers: string;
}

/** The trailers that Trailhand reads, in the format of git. */
export function printTrailers(message: string): string {
  return parseTrailers(message)
    .trailers.map(({ key, value }) => `${key}: ${value}\n`)
    .join("");
}

/** Stores each message as a commit, byte for byte, and reads all messages back in the same order. */
export function roundTripThroughGit(dir: string, messages: readonly Uint8Array[]): GitReading[] {
  const git = (args: readonly string[], input?: Buffer) =>
    execFileSync("git", args, { cwd: dir, maxBuffer: 1 << 30, ...(input ? { input } : {}) });
  const stream: (Uint8Array | string)[] = ["reset refs/heads/fuzz\n"];
  for (const message of messages) {
    stream.push(`commit refs/heads/fuzz\ncommitter <> 0 +0000\ndata ${message.length}\n`, message, "\n");
  }
  // fast-import would append to an existing branch, so the branch is deleted first.
  git(["update-ref", "-d", "refs/heads/fuzz"]);
  git(["fast-import", "--quiet", "--force"], Buffer.concat(stream.map((part) => Buffer.from(part))));
  const output = git(["log", "--reverse", FORMAT, "refs/heads/fuzz"]).toString();
  return parseRecords(output, FIELDS).map(([commit = "", message = "", trailers = ""]) => ({
    commit,
    message,
    trailers,
  }));
}
