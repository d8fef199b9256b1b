/** Waits: when a request runs, when it never will, and how it is answered then. */
import { beforeEach, describe, expect, it } from "vitest";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

/** The subject of the request decides how the script answers. */
const PART = `#!/bin/sh
case $TRAILHAND_SUBJECT in
*good*) echo "$TRAILHAND_BRANCH" >"\${TRAILHAND_BRANCH##*.}.txt"; printf 'state=done\\nsummary=made it\\ncost=0.5\\n' ;;
*bad*) echo state=failed ;;
*stuck*) echo state=parked ;;
esac >>"$TRAILHAND_OUTPUT"
`;
const GATHER = `#!/bin/sh
tr -d ' \\n' <"$TRAILHAND_REQUEST" | sed 's/.*"children":\\(\\[[^]]*\\]\\).*/\\1/' >children.json
echo state=done >>"$TRAILHAND_OUTPUT"
`;
const spread = (...children: string[]) => `#!/bin/sh
cat >>"$TRAILHAND_OUTPUT" <<'END'
state=gather
children<<LIST
[${children.map((one) => `{"key":"${one.split(" ").join("-")}","state":"part","subject":"feat: ${one}"}`).join(",")}]
LIST
END
`;

let repo: Repo;

function prepare(wait: string, split: string, more = "", gather = true): void {
  repo = makeRepo();
  repo.write(
    "states/workflow.yml",
    `start: [split, part, solo]
states:
  split: { next: gather, children: 9 }
  part: { next: [done, parked], retries: 0 }
  solo: { next: done }
  repair: { human: true, next: done }
  gather: { wait: "${wait}", deadline: 2d, otherwise: repair, next: done${more} }
`,
  );
  repo.write("states/split", split, 0o755);
  repo.write("states/part", PART, 0o755);
  repo.write("states/solo", "#!/bin/sh\n", 0o755);
  if (gather) repo.write("states/gather", GATHER, 0o755);
  repo.commit("chore: states");
}

function request(branch: string, message: string): void {
  repo.git("switch", "-q", "-c", branch, "main");
  repo.request(message);
  repo.git("switch", "-q", "main");
}

const state = (branch: string) =>
  repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", branch).trim();
const head = (branch: string) => repo.git("log", "-1", "--format=%B", branch);
const trailer = (branch: string, key: string) =>
  repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, branch).trim();

describe("a state that waits for children", () => {
  it("runs once all are done, and gets the result of each", async () => {
    prepare("children all", spread("good a", "good b"));
    request("topic", "feat: all\n\nState: split\n");
    await run(repo);
    expect(state("topic")).toBe("done");
    const children = JSON.parse(repo.git("show", "topic:children.json")) as Record<string, unknown>[];
    expect(children).toMatchObject([
      { key: "good-a", branch: "topic.good-a", state: "done", summary: "madeit", cost: 0.5, new: true },
      { key: "good-b", branch: "topic.good-b", state: "done" },
    ]);
    expect(trailer("topic", "Children")).toBe("good-a good-b");
    expect(trailer("topic", "Joined")).toBe("good-a good-b");
    expect(trailer("topic", "Spent")).toMatch(/^1 USD, /);
    expect(trailer("topic.good-a", "Parent")).toBe("topic");
  });

  it("needs no script if it only waits", async () => {
    prepare("children all", spread("good a"), "", false);
    request("topic", "feat: no script\n\nState: split\n");
    await run(repo);
    expect(state("topic")).toBe("done");
    expect(trailer("topic", "Joined")).toBe("good-a");
  });

  it("moves to `otherwise` at once if it can never hold, and names the failed child", async () => {
    prepare("children all", spread("good a", "bad b"));
    request("topic", "feat: never\n\nState: split\n");
    await run(repo);
    expect(state("topic")).toBe("repair");
    expect(head("topic")).toContain("bad-b did not succeed");
  });

  it("waits again after a person fixed a child, but not after a script continued without it", async () => {
    prepare("children all", spread("good a", "bad b"));
    request("topic", "feat: mended\n\nState: split\n");
    await run(repo);
    expect(trailer("topic", "Joined")).toBe("");
    repo.git("switch", "-q", "topic");
    repo.request("chore: gather again\n\nState: gather\n");
    repo.git("switch", "-q", "topic.bad-b");
    repo.request("feat: stuck for now\n\nState: part\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(state("topic")).toBe("gather");
    prepare("children all", spread("good a", "bad b"), "", false);
    repo.write(
      "states/workflow.yml",
      repo.git("show", "main:states/workflow.yml").replace("repair: { human: true,", "repair: {"),
    );
    repo.write("states/repair", GATHER, 0o755);
    repo.commit("chore: a script repairs");
    request("topic", "feat: script\n\nState: split\n");
    await run(repo);
    expect(trailer("topic", "Joined")).toContain("bad-b");
  });

  it("counts a parked child as settled, and a quorum as enough", async () => {
    prepare("children settled", spread("good a", "bad b", "stuck c"));
    request("topic", "feat: settled\n\nState: split\n");
    await run(repo);
    expect(state("topic")).toBe("done");
    prepare("children quorum 1 of 3", spread("good a", "bad b", "stuck c"));
    request("topic", "feat: quorum\n\nState: split\n");
    await run(repo);
    expect(state("topic")).toBe("done");
  });

  it("waits without a lease while a child is parked, and continues when a person requests it again", async () => {
    prepare("children all", spread("good a", "stuck c"));
    request("topic", "feat: stuck\n\nState: split\n");
    const { summary } = await run(repo);
    expect(state("topic")).toBe("gather");
    expect(repo.git("for-each-ref", "refs/trailhand/leases")).toBe("");
    const why = summary.idle.find((one) => one.head.branch === "topic")?.why;
    expect(why).toMatchObject({ code: "waits", detail: "waits for 1 of 2 children: stuck-c (parked)" });
    repo.git("switch", "-q", "topic.stuck-c");
    repo.request("feat: good now\n\nState: part\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(state("topic")).toBe("done");
  });

  it("counts a child with a deleted branch as lost forever", async () => {
    prepare("children all", spread("good a", "stuck c"));
    request("topic", "feat: gone\n\nState: split\n");
    await run(repo);
    repo.git("branch", "-D", "topic.stuck-c");
    await run(repo);
    expect(state("topic")).toBe("repair");
  });

  it("keeps its children after a person's commit", async () => {
    prepare("children all", spread("good a", "stuck c"));
    request("topic", "feat: in between\n\nState: split\n");
    await run(repo);
    repo.git("switch", "-q", "topic");
    repo.request("chore: a note by hand\n\nState: gather\n");
    repo.git("switch", "-q", "main");
    const { summary } = await run(repo);
    expect(summary.idle.find((one) => one.head.branch === "topic")?.why).toMatchObject({ code: "waits" });
    expect(state("topic")).toBe("gather");
  });

  it("keeps its children where a plain commit repeats the request", async () => {
    prepare("children all", spread("good a", "stuck c"));
    const text = repo.git("show", "main:states/workflow.yml");
    repo.write("states/workflow.yml", `on-plain-commit: continue\n${text}\n`);
    repo.commit("chore: go on");
    request("topic", "feat: plain\n\nState: split\n");
    await run(repo);
    repo.git("switch", "-q", "topic");
    repo.request("chore: by hand\n\nState: gather\n");
    repo.request("docs: a plain commit\n");
    repo.git("switch", "-q", "main");
    const { summary } = await run(repo);
    expect(summary.idle.find((one) => one.head.branch === "topic")?.why).toMatchObject({ code: "waits" });
  });

  it("does not create children with the same keys twice, and joins the existing ones", async () => {
    prepare("children all", spread("good a", "bad b"));
    request("topic", "feat: twice\n\nState: split\n");
    await run(repo);
    const before = repo.git("rev-parse", "topic.good-a");
    repo.git("switch", "-q", "topic.bad-b");
    repo.request("feat: good after all\n\nState: part\n");
    repo.git("switch", "-q", "topic");
    repo.request("chore: once more\n\nState: split\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(state("topic")).toBe("done");
    expect(repo.git("rev-parse", "topic.good-a")).toBe(before);
    expect(repo.git("branch", "--list", "topic.*").split("\n")).toHaveLength(2);
  });
});

describe("a parent", () => {
  it("that is cancelled cancels its children", async () => {
    prepare("children all", spread("stuck a", "stuck b"));
    request("topic", "feat: off\n\nState: split\n");
    await run(repo);
    repo.git("switch", "-q", "topic");
    repo.request("chore: stop it\n\nState: cancelled\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect(state("topic.stuck-a")).toBe("cancelled");
    expect(head("topic.stuck-b")).toContain("topic was cancelled");
  });

  it("can cancel some of its children", async () => {
    prepare("children any", spread("good a", "stuck b"));
    repo.write(
      "states/gather",
      '#!/bin/sh\nprintf "cancel=stuck-b\\nstate=done\\n" >>"$TRAILHAND_OUTPUT"\n',
      0o755,
    );
    repo.commit("chore: calls off");
    request("topic", "feat: off\n\nState: split\n");
    await run(repo);
    expect(state("topic")).toBe("done");
    expect(state("topic.stuck-b")).toBe("cancelled");
    expect(state("topic.good-a")).toBe("done");
  });
});

describe("Depends-On", () => {
  beforeEach(() => prepare("children all", spread("good a")));

  it("waits until the branch is done, and parks if it failed", async () => {
    request("base", "feat: stuck base\n\nState: part\n");
    request("top", "feat: top\n\nState: solo\nDepends-On: base\n");
    const { summary } = await run(repo);
    expect(state("top")).toBe("solo");
    expect(summary.idle.find((one) => one.head.branch === "top")?.why).toMatchObject({
      detail: "waits for the branch base, which is at parked",
    });
    repo.git("switch", "-q", "base");
    repo.request("feat: good base\n\nState: part\n");
    repo.git("switch", "-q", "main");
    await run(repo);
    expect([state("base"), state("top")]).toEqual(["done", "done"]);
    request("other", "feat: bad other\n\nState: part\n");
    request("upper", "feat: upper\n\nState: solo\nDepends-On: other\n");
    await run(repo);
    expect(state("upper")).toBe("parked");
    expect(head("upper")).toContain("the branch other ended as failed");
  });

  it("recognizes a branch that landed and was deleted", async () => {
    request("top", "feat: top\n\nState: solo\nDepends-On: branch base\n");
    await run(repo);
    expect(head("top")).toContain("there is no branch base");
    repo.git("update-ref", `refs/trailhand/archive/base/${"0".repeat(12)}`, "main");
    request("upper", "feat: upper\n\nState: solo\nDepends-On: branch base\n");
    await run(repo);
    expect(state("upper")).toBe("done");
  });

  it("waits until a commit is on the trusted branch", async () => {
    request("fix", "feat: a fix\n");
    const id = repo.git("rev-parse", "fix");
    request("top", `feat: needs the fix\n\nState: solo\nDepends-On: ${id.slice(0, 9)}\n`);
    await run(repo);
    expect(state("top")).toBe("solo");
    repo.git("merge", "-q", "--ff-only", "fix");
    await run(repo);
    expect(state("top")).toBe("done");
  });

  it("is rejected from a script if it would close a cycle", async () => {
    repo.write(
      "states/solo",
      '#!/bin/sh\nprintf "state=part\\ntrailers=Depends-On: b\\n" >>"$TRAILHAND_OUTPUT"\n',
      0o755,
    );
    repo.write(
      "states/workflow.yml",
      repo
        .git("show", "main:states/workflow.yml")
        .replace("solo: { next: done }", "solo: { next: part, retries: 0 }"),
    );
    repo.commit("chore: solo depends");
    request("a", "feat: a\n\nState: solo\n");
    request("b", "feat: b\n\nState: part\nDepends-On: a\n");
    await run(repo);
    expect(state("a")).toBe("failed");
    expect(head("a")).toContain("it would wait for itself: a -> b -> a");
  });

  it("reports a cycle of requests that wait for each other", async () => {
    request("a", "feat: a\n\nState: solo\nDepends-On: b\n");
    request("b", "feat: b\n\nState: solo\nDepends-On: a\n");
    const { summary } = await run(repo);
    expect(summary.idle.find((one) => one.head.branch === "a")?.why).toEqual({
      code: "cycle",
      detail: "a -> b -> a",
    });
  });
});
