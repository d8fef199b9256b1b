/**
 * `npm run conformance -- <repository>…`: compares our trailer parser with git's on every commit of
 * real histories, and lists the commits where they differ.
 *
 * Invariants:
 * - Histories are streamed, so memory does not grow with their size.
 * - The configuration of the user or the repository does not affect the comparison.
 * - Exits with 1 if there is a difference, and with 2 if a repository is missing or unreadable.
 */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { FORMAT, printTrailers } from "./support/builders/generated-history.ts";

interface Count {
  commits: number;
  withTrailers: number;
  differences: number;
}

const SETTINGS = [
  "safe.directory=*",
  "core.commentChar=#",
  "trailer.separators=:",
  "log.showSignature=false",
];

/** Yields the NUL-terminated fields of a stream; text after the last NUL is dropped. */
async function* fieldsOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  stream.setEncoding("utf8");
  let open: string[] = [];
  for await (const chunk of stream) {
    const [first = "", ...rest] = String(chunk).split("\0");
    open.push(first);
    for (const part of rest) {
      yield open.join("");
      open = [part];
    }
  }
}

/** Compares one repository. Returns git's error message if git could not read it. */
async function compare(dir: string, count: Count): Promise<string | undefined> {
  const settings = SETTINGS.flatMap((setting) => ["-c", setting]);
  const git = spawn("git", ["-C", dir, ...settings, "log", "--all", FORMAT], {
    env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    git.on("close", resolve).on("error", reject);
  });
  const told = text(git.stderr);
  const fields = fieldsOf(git.stdout);
  for (;;) {
    const commit = (await fields.next()).value?.trim();
    const message = (await fields.next()).value;
    const theirs = (await fields.next()).value;
    if (commit === undefined || message === undefined || theirs === undefined) break;
    count.commits++;
    if (theirs !== "") count.withTrailers++;
    const ours = printTrailers(message);
    if (ours === theirs) continue;
    count.differences++;
    console.log(`${dir} ${commit}\n  git:  ${JSON.stringify(theirs)}\n  ours: ${JSON.stringify(ours)}`);
  }
  return (await ended) === 0 ? undefined : (await told).trim();
}

async function main(dirs: readonly string[]): Promise<number> {
  if (dirs.length === 0) {
    console.error("usage: npm run conformance -- <repository> [<repository>...]");
    return 2;
  }
  let differences = 0;
  for (const dir of dirs) {
    const count: Count = { commits: 0, withTrailers: 0, differences: 0 };
    const trouble = await compare(dir, count);
    if (trouble !== undefined) {
      console.error(`${dir}: ${trouble}`);
      return 2;
    }
    const { commits, withTrailers } = count;
    console.log(`${dir}: ${commits} messages, ${withTrailers} with trailers, ${count.differences} differ`);
    differences += count.differences;
  }
  return differences > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
