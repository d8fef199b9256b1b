/** Times one scan of all branches when there is nothing to do, against one `git for-each-ref`. */
import { RefReader } from "../src/git/read-refs.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { compare, type Figure } from "./compare.ts";
import { importCommit } from "./fast-import.ts";
import { withLab, type Lab } from "./lab.ts";

/** Prints the name, the id and the message of every branch. Other ref prefixes may be appended. */
export const BARE_SCAN = ["for-each-ref", "--format=%(refname) %(objectname) %(contents)", "refs/heads"];

/** Figures for a cold scan, a scan where nothing changed, and a scan where one branch changed. */
export async function scan(heads: number, rounds: number): Promise<Figure[]> {
  return withLab(importHeads(heads), async (lab) => {
    const { location } = await openWorkspace(lab.dir, lab.env);
    const floor = { run: async () => void (await lab.git(BARE_SCAN)) };
    const warm = new RefReader(location);
    const scanWith = (reader: RefReader) => scanOnce(reader, heads + 1);
    const cold = { run: () => scanWith(new RefReader(location)) };
    const unchanged = { prepare: () => scanWith(warm), run: () => scanWith(warm) };
    const changed = {
      async prepare() {
        await scanWith(warm);
        await moveOneBranch(lab);
      },
      run: () => scanWith(warm),
    };
    const name = `scan of ${heads.toLocaleString("en")} heads`;
    return [
      await compare(lab, `${name}, cold`, rounds, cold, floor),
      await compare(lab, `${name}, nothing changed`, rounds, unchanged, floor),
      await compare(lab, `${name}, one changed`, rounds, changed, floor),
    ];
  });
}

/** Throws when the scan does not find every branch. */
async function scanOnce(reader: RefReader, expected: number): Promise<void> {
  const { length } = (await reader.read()).heads;
  if (length !== expected) throw new Error(`expected ${expected} heads, found ${length}`);
}

/** Moves `work/1` to the commit of `work/2`, or back. */
async function moveOneBranch(lab: Lab): Promise<void> {
  const ids = await lab.git(["rev-parse", "work/1", "work/2", "refs/original/1"]);
  const [current, other = "", original = ""] = ids.toString().split("\n");
  await lab.git(["update-ref", "refs/heads/work/1", current === original ? other : original]);
}

/** Branches whose heads are responses, each with a commit and a message of its own. */
function importHeads(heads: number): string {
  const commits = [importCommit("refs/heads/main", 1, "first commit", "")];
  for (let number = 1; number <= heads; number++) {
    commits.push(importCommit(`refs/heads/work/${number}`, number + 1, responseMessage(number), "from :1\n"));
  }
  return `${commits.join("")}reset refs/original/1\nfrom :2\n\n`;
}

const responseMessage = (number: number): string => `trailhand: implement is done, review is next

Throttle the login of work ${number}: five attempts a minute for each address, then
429 with Retry-After. The test covers the sixth attempt.

State: review
Branch: work/${number}
Answers: ${number.toString(16).padStart(40, "0")}
Run: 7b1e7c1c-7f3c-4f7e-9d55-${number.toString(16).padStart(12, "0")}
Attempt: 1/3
Runner: ann@host
Took: 42s
Hops: 3/50
`;
