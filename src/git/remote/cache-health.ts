/** Tells whether the cache of a remote is broken, for example after a power cut. */
import { UserError } from "../../core/messages/messages.ts";
import { type Git, GitExit } from "../git.ts";

/** Lines of `git fsck` about objects and refs that cannot be read. Those about odd but whole objects end in "in". */
const BROKEN = /^(?:error|fatal|missing|broken)\b(?! in )/m;

/** Reads every object, so it takes long in a large repository. */
export async function isCacheBroken(git: Git): Promise<boolean> {
  const args = ["fsck", "--full", "--no-dangling", "--no-progress"];
  try {
    const { stdout, stderr } = await git.run(args, { allowedCodes: CODES });
    return BROKEN.test(stdout) || BROKEN.test(stderr);
  } catch (error) {
    if (error instanceof GitExit) return true;
    throw error;
  }
}

/** `git fsck` adds one bit for each kind of problem. */
const CODES = Array.from({ length: 31 }, (_, at) => at + 1);

/** True for an error that a broken cache may cause. An unreachable remote alone is none. */
export const mayComeFromCache = (error: unknown): boolean =>
  (error instanceof GitExit && Number.isInteger(error.code)) ||
  (error instanceof UserError && /loose object|packed-refs|corrupt|bad object|repo\.git/.test(error.message));
