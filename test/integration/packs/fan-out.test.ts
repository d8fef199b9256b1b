/** The pack `fan-out` from end to end: branches by key, partial success that is said, no twins. */
import { describe, expect, it } from "vitest";
import { packFiles } from "../../../src/templates/packs.ts";
import { ask as askAt, makeRemote, makeRunner, trailerOf } from "../../support/bare-remote.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const LIST = '- page: The page "$(touch owned)"\n- mail: The mails\n';
const REQUEST = `feat: dark mode\n\nColours come from theme.css.\n\n${LIST}\nState: split\n`;

/** Each piece writes a file by its own name; `broken` fails, `clash` writes what mail writes too. */
const AGENT = `
key=\${TRAILHAND_BRANCH##*.}
grep -q 'Colours come from theme.css' "$prompt"
case $key in
  broken) printf 'state=failed\\nsubject=broken: no such thing\\n' >>"$TRAILHAND_OUTPUT" ;;
  clash) echo "$key" >mail.txt ;;
  *) echo "$key" >"$key.txt" ;;
esac`;

/** The children of a branch, by their names. */
const childrenOf = (repo: Repo, branch: string): string[] =>
  repo.git("for-each-ref", "--format=%(refname:short)", `refs/heads/${branch}.*`).split("\n").filter(Boolean);

const askAgain = (repo: Repo, message: string): void => {
  repo.git("switch", "-q", "feat/dark");
  repo.request(message);
  repo.git("switch", "-q", "main");
};

describe("fan-out", () => {
  it("hands out a branch for each line, and merges all of them", async () => {
    const repo = packRepo("fan-out");
    useAgent(AGENT);
    ask(repo, "feat/dark", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/dark")).toEqual(["split", "join", "collect", "done"]);
    expect(childrenOf(repo, "feat/dark")).toEqual(["feat/dark.mail", "feat/dark.page"]);
    expect(repo.git("log", "-1", "--format=%s", "feat/dark.page~1")).toBe('The page "$(touch owned)"');
    expect(changedOn(repo, "feat/dark")).toEqual(["mail.txt", "page.txt"]);
    expect(headOf(repo, "feat/dark")).toMatch(/^- page: done\. .*\n- mail: done\. /m);
    // What the pieces committed is no first parent of the branch.
    expect(repo.git("log", "--first-parent", "--format=%s", "main..feat/dark")).not.toContain("The mails");
  });

  it("says what became of each piece, keeps what is done, and takes in later what was missing", async () => {
    const repo = packRepo("fan-out");
    useAgent(AGENT);
    ask(repo, "feat/dark", REQUEST.replace(LIST, `${LIST}- clash: Mails too\n- broken: No such thing\n`));
    await run(repo);
    expect(statesOn(repo, "feat/dark")).toEqual(["split", "join", "collect", "partial"]);
    expect(changedOn(repo, "feat/dark")).toEqual(["mail.txt", "page.txt"]);
    const head = headOf(repo, "feat/dark");
    expect(head).toContain("collect: not in are clash broken");
    expect(head).toContain("- clash: done, and not taken in, because these files conflict:\n    mail.txt\n");
    expect(head).toContain("- broken: failed, at failed. broken: no such thing\n");

    repo.git("switch", "-q", "feat/dark.broken");
    repo.request("chore: try that again\n\nColours come from theme.css.\n\nState: work\n");
    repo.git("switch", "-q", "main");
    useAgent("touch late.txt");
    await run(repo);
    askAgain(repo, "chore: what is there now\n\nState: collect\n");
    await run(repo);
    expect(changedOn(repo, "feat/dark")).toEqual(["late.txt", "mail.txt", "page.txt"]);
    expect(headOf(repo, "feat/dark")).toContain("collect: not in are clash\n");
  });

  it("makes no twins when the same list is asked for again", async () => {
    const repo = packRepo("fan-out");
    useAgent(AGENT);
    ask(repo, "feat/dark", REQUEST);
    await run(repo);
    const before = repo.git("rev-parse", "feat/dark.page", "feat/dark.mail");
    askAgain(repo, REQUEST.replace(LIST, `${LIST}- more: One more\n`));
    await run(repo);
    expect(childrenOf(repo, "feat/dark")).toEqual(["feat/dark.mail", "feat/dark.more", "feat/dark.page"]);
    expect(repo.git("rev-parse", "feat/dark.page", "feat/dark.mail")).toBe(before);
    expect(changedOn(repo, "feat/dark")).toEqual(["mail.txt", "more.txt", "page.txt"]);
  });

  it("hands out nothing when a piece has no subject, or a key is there twice", async () => {
    const repo = packRepo("fan-out");
    useAgent(AGENT);
    ask(repo, "feat/dark", REQUEST.replace(LIST, `${LIST}- bare:\n- page: Again\n`));
    await run(repo);
    expect(statesOn(repo, "feat/dark")).toEqual(["split", "parked"]);
    expect(headOf(repo, "feat/dark")).toContain("    - bare:\n    - page: Again\n");
    expect(childrenOf(repo, "feat/dark")).toEqual([]);
  });

  it("merges at a remote what several machines have done", async () => {
    const stage = makeRemote(Object.fromEntries(packFiles("fan-out").map(({ path, text }) => [path, text])));
    useAgent(AGENT);
    askAt(stage, "feat/dark", REQUEST);
    const runners = await Promise.all(["one", "two"].map((name) => makeRunner(stage, name)));
    await Promise.all(runners.map(({ run: work }) => work()));
    // One that has nothing to do for the moment does not wait for the other.
    await (await makeRunner(stage, "three")).run();
    expect(trailerOf(stage, "feat/dark", "State")).toBe("done");
    expect(changedOn(stage.remote, "feat/dark")).toEqual(["mail.txt", "page.txt"]);
  });
});
