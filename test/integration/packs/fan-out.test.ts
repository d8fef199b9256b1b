/** The pack `fan-out` end to end: one branch per key, partial results, repeated requests. */
import { describe, expect, it } from "vitest";
import { packFiles } from "../../../src/templates/packs.ts";
import { ask as askAt, makeRemote, makeRunner, trailerOf } from "../../support/bare-remote.ts";
import type { Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";
import { ask, changedOn, headOf, packRepo, statesOn, useAgent } from "../../support/pack-fixture.ts";

const LIST = '- page: The page "$(touch owned)"\n- mail: The mails\n';
const REQUEST = `feat: dark mode\n\nColours come from theme.css.\n\n${LIST}\nState: split\n`;

/** Each piece writes a file with its name; `broken` fails, `clash` writes the file of `mail`. */
const AGENT = `
key=\${TRAILHAND_BRANCH##*.}
grep -q 'Colours come from theme.css' "$prompt"
case $key in
  broken) printf 'state=failed\\nsubject=broken: no such thing\\n' >>"$TRAILHAND_OUTPUT" ;;
  clash) echo "$key" >mail.txt ;;
  *) echo "$key" >"$key.txt" ;;
esac`;

/** The names of the branches of the pieces. */
const childrenOf = (repo: Repo, branch: string): string[] =>
  repo.git("for-each-ref", "--format=%(refname:short)", `refs/heads/${branch}.*`).split("\n").filter(Boolean);

const askAgain = (repo: Repo, message: string): void => {
  repo.git("switch", "-q", "feat/dark");
  repo.request(message);
  repo.git("switch", "-q", "main");
};

describe("fan-out", () => {
  it("creates a branch for each line, and merges all of them", async () => {
    const repo = packRepo("fan-out");
    useAgent(AGENT);
    ask(repo, "feat/dark", REQUEST);
    await run(repo);
    expect(statesOn(repo, "feat/dark")).toEqual(["split", "join", "collect", "done"]);
    expect(childrenOf(repo, "feat/dark")).toEqual(["feat/dark.mail", "feat/dark.page"]);
    expect(repo.git("log", "-1", "--format=%s", "feat/dark.page~1")).toBe('The page "$(touch owned)"');
    expect(changedOn(repo, "feat/dark")).toEqual(["mail.txt", "page.txt"]);
    expect(headOf(repo, "feat/dark")).toMatch(/^- page: done\. .*\n- mail: done\. /m);
    // Commits of the pieces are not first parents of the branch.
    expect(repo.git("log", "--first-parent", "--format=%s", "main..feat/dark")).not.toContain("The mails");
  });

  it("lists the result of each piece, and later merges a missing one", async () => {
    const repo = packRepo("fan-out");
    useAgent(AGENT);
    ask(repo, "feat/dark", REQUEST.replace(LIST, `${LIST}- clash: Mails too\n- broken: No such thing\n`));
    await run(repo);
    expect(statesOn(repo, "feat/dark")).toEqual(["split", "join", "collect", "partial"]);
    expect(changedOn(repo, "feat/dark")).toEqual(["mail.txt", "page.txt"]);
    const head = headOf(repo, "feat/dark");
    expect(head).toContain("collect: not merged: clash broken");
    expect(head).toContain("- clash: done, but not merged: these files conflict\n    mail.txt\n");
    expect(head).toContain("- broken: failed, at failed. broken: no such thing\n");

    repo.git("switch", "-q", "feat/dark.broken");
    repo.request("chore: try that again\n\nColours come from theme.css.\n\nState: work\n");
    repo.git("switch", "-q", "main");
    useAgent("touch late.txt");
    await run(repo);
    askAgain(repo, "chore: what is there now\n\nState: collect\n");
    await run(repo);
    expect(changedOn(repo, "feat/dark")).toEqual(["late.txt", "mail.txt", "page.txt"]);
    expect(headOf(repo, "feat/dark")).toContain("collect: not merged: clash\n");
  });

  it("creates no second branch when the same list is requested again", async () => {
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

  it("creates nothing when a subject is missing or a key occurs twice", async () => {
    const repo = packRepo("fan-out");
    useAgent(AGENT);
    ask(repo, "feat/dark", REQUEST.replace(LIST, `${LIST}- bare:\n- page: Again\n`));
    await run(repo);
    expect(statesOn(repo, "feat/dark")).toEqual(["split", "parked"]);
    expect(headOf(repo, "feat/dark")).toContain("    - bare:\n    - page: Again\n");
    expect(childrenOf(repo, "feat/dark")).toEqual([]);
  });

  it("merges the work of several machines at a remote", async () => {
    const stage = makeRemote(Object.fromEntries(packFiles("fan-out").map(({ path, text }) => [path, text])));
    useAgent(AGENT);
    askAt(stage, "feat/dark", REQUEST);
    const runners = await Promise.all(["one", "two"].map((name) => makeRunner(stage, name)));
    await Promise.all(runners.map(({ run: work }) => work()));
    // A runner without work exits while the other one is still busy.
    await (await makeRunner(stage, "three")).run();
    expect(trailerOf(stage, "feat/dark", "State")).toBe("done");
    expect(changedOn(stage.remote, "feat/dark")).toEqual(["mail.txt", "page.txt"]);
  });
});
