/**
 * The idle scan: what one look costs when there is nothing to do.
 *
 * The floor is one `for-each-ref` that prints name, id and message of every branch, all of it read.
 */
import { RefReader } from "../src/git/read-refs.ts";
import { openWorkspace } from "../src/app/open-workspace.ts";
import { compare, importCommit, withLab, type Figure, type Lab } from "./support.ts";

const FORMAT = "--format=%(refname) %(objectname) %(contents)";

/** Measures a cold look, one where nothing changed, and one where a single branch did. */
export async function scan(heads: number, rounds: number): Promise<Figure[]> {
  return withLab(importHeads(heads), async (lab) => {
    const { git } = (await openWorkspace(lab.dir, lab.env)).location;
    const floor = { run: async () => void (await lab.git(["for-each-ref", FORMAT, "refs/heads"])) };
    const warm = new RefReader(git);
    const look = (looker: RefReader) => lookAt(looker, heads + 1);
    const cold = { run: () => look(new RefReader(git)) };
    const still = { prepare: () => look(warm), run: () => look(warm) };
    const moved = {
      prepare: async () => {
        await look(warm);
        await moveOne(lab);
      },
      run: () => look(warm),
    };
    const name = `scan ${heads.toLocaleString("en")} heads`;
    return [
      await compare(lab, `${name}, cold`, rounds, cold, floor),
      await compare(lab, `${name}, nothing changed`, rounds, still, floor),
      await compare(lab, `${name}, one changed`, rounds, moved, floor),
    ];
  });
}

/** One look. Throws when it did not find every branch. */
async function lookAt(looker: RefReader, expected: number): Promise<void> {
  const found = (await looker.look()).heads.length;
  if (found !== expected) throw new Error(`a look found ${found} heads, and there are ${expected}`);
}

/** One branch gets the commit of its neighbour, or its own one back. */
async function moveOne(lab: Lab): Promise<void> {
  const [at, other] = (await lab.git(["rev-parse", "work/1", "work/2"])).toString().split("\n");
  const [own] = (await lab.git(["rev-parse", "refs/own/1"])).toString().split("\n");
  await lab.git(["update-ref", "refs/heads/work/1", (at === own ? other : own) ?? ""]);
}

/** Branches with answered work, each with a commit and a message of its own. */
function importHeads(heads: number): string {
  const commits = [importCommit("refs/heads/main", 1, "first commit", "")];
  for (let at = 1; at <= heads; at++) {
    commits.push(importCommit(`refs/heads/work/${at}`, at + 1, answer(at), "from :1\n"));
  }
  return `${commits.join("")}reset refs/own/1\nfrom :2\n\n`;
}

const answer = (at: number): string => `trailhand: implement is done, review is next

What was done for work ${at}: the login is throttled, five attempts a minute for each
address, and the answer is 429 with Retry-After. The test covers the sixth attempt.

State: review
Branch: work/${at}
Answers: ${at.toString(16).padStart(40, "0")}
Run: 7b1e7c1c-7f3c-4f7e-9d55-${at.toString(16).padStart(12, "0")}
Attempt: 1/3
Runner: ann@host
Took: 42s
Hops: 3/50
`;
