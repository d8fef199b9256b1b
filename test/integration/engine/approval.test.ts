/** Approvals, and permission to request: what counts and what does not. */
import { describe, expect, it } from "vitest";
import type { Idle } from "../../../src/core/scheduling/decide.ts";
import { approveAs, commitAs, makeKey } from "../../support/person-commits.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";
import { run } from "../../support/run-runner.ts";

const [ANN, BOB, CAT, EVE] = ["ann@example.com", "bob@example.com", "cat@example.com", "eve@example.com"];
const PEOPLE = `people: { leads: [${BOB}, ${CAT}] }\n`;
const ASK = "feat: a thing\n\nPlease.\n\nState: work\n";
const DAY_AGO = new Date(Date.now() - 86_400_000).toISOString();

interface ApprovalCase {
  readonly top?: string;
  readonly states?: string;
  readonly files?: Readonly<Record<string, string>>;
}

/** A branch with a request by Ann whose `work` waits for approvals. */
function prepare(
  wait: string,
  { top = PEOPLE, states = "", files = {} }: ApprovalCase = {},
): {
  repo: Repo;
  asked: string;
} {
  const work = `  work: { next: done, wait: [${wait}], deadline: 30d, otherwise: failed }\n`;
  const repo = makeRepo({
    "states/work": "#!/bin/sh\ntrue\n",
    "states/workflow.yml": `${top}states:\n${work}${states}`,
    ...files,
  });
  repo.git("branch", "topic");
  return { repo, asked: commitAs(repo, ANN, ASK) };
}

const trailer = (repo: Repo, key: string) =>
  repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, "topic").trim();
const body = (repo: Repo) => repo.git("log", "-1", "--format=%B", "topic");

/** Runs, and returns why the branch waits; undefined if it does not. */
async function waitReason(repo: Repo): Promise<Idle["why"] | undefined> {
  const { summary } = await run(repo);
  return summary.idle.find(({ head }) => head.branch === "topic")?.why;
}

describe("approvals", () => {
  it("of enough people let the request run, and the response names them", async () => {
    const { repo, asked: request } = prepare("approvals 2 by leads");
    expect(await waitReason(repo)).toMatchObject({
      code: "waits",
      detail: "waits for 2 approvals by leads",
      person: true,
    });
    const first = approveAs(repo, BOB, request);
    approveAs(repo, BOB.toUpperCase(), request);
    expect(await waitReason(repo)).toMatchObject({
      detail: `waits for 1 approval by leads, approved by ${BOB}`,
    });
    const last = approveAs(repo, CAT, request);
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
    expect(trailer(repo, "Answers")).toBe(last);
    const approvers = trailer(repo, "Approved-By").split("\n");
    expect(approvers.map((line) => line.split(" ")[0])).toEqual([CAT, BOB]);
    expect(approvers).toContain(`${CAT} ${last}`);
    expect(first).not.toBe(last);
  });

  it("of people who are not listed do not count", async () => {
    const { repo, asked: request } = prepare("approvals 1 by leads");
    approveAs(repo, EVE, request);
    expect(await waitReason(repo)).toMatchObject({ code: "waits", detail: "waits for 1 approval by leads" });
    approveAs(repo, BOB, request);
    await run(repo);
    expect(trailer(repo, "Approved-By")).not.toContain(EVE);
  });

  it("are void after any other commit on top", async () => {
    const { repo, asked: request } = prepare("approvals 1");
    approveAs(repo, BOB, request);
    commitAs(repo, EVE, "fix: one more thing\n");
    await run(repo);
    expect(repo.git("log", "-1", "--format=%s", "topic")).toBe("fix: one more thing");
    commitAs(repo, ANN, ASK);
    expect(await waitReason(repo)).toMatchObject({ code: "waits" });
  });

  it("are void if they change a file or approve a missing commit", async () => {
    const { repo, asked: request } = prepare("approvals 1");
    repo.git("switch", "-q", "topic");
    repo.write("more.txt", "more\n");
    repo.commit(`approved\n\nApproves: ${request}\n`);
    expect(await waitReason(repo)).toMatchObject({ code: "void-approval", detail: request });
    repo.git("reset", "-q", "--hard", request);
    repo.git("switch", "-q", "main");
    approveAs(repo, BOB, repo.git("rev-parse", "main"));
    expect(await waitReason(repo)).toMatchObject({ code: "waits", detail: "waits for 1 approval" });
  });

  it("are void if the request below them is rewritten", async () => {
    const { repo, asked: request } = prepare("approvals 1");
    repo.git("update-ref", "refs/heads/topic", "main");
    commitAs(repo, ANN, ASK.replace("Please.", "Something else."));
    approveAs(repo, BOB, request);
    expect(await waitReason(repo)).toMatchObject({ code: "waits", detail: "waits for 1 approval" });
  });

  it("expire and can be repeated", async () => {
    const { repo, asked: request } = prepare("approvals 1 within 1h");
    approveAs(repo, BOB, request, { date: DAY_AGO });
    expect(await waitReason(repo)).toMatchObject({ code: "waits" });
    approveAs(repo, BOB, request);
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
  });

  it("of an author of the work do not count with `not own`", async () => {
    const { repo, asked: request } = prepare("approvals 1 not own");
    approveAs(repo, ANN, request);
    expect(await waitReason(repo)).toMatchObject({ code: "waits" });
    const main = repo.git("rev-parse", "main");
    repo.git("update-ref", "refs/heads/main", request);
    expect(await waitReason(repo)).toMatchObject({ code: "waits" });
    repo.git("update-ref", "refs/heads/main", main);
    repo.git("update-ref", "refs/heads/topic", main);
    commitAs(repo, CAT, "feat: code\n");
    const again = commitAs(repo, ANN, ASK);
    approveAs(repo, CAT, again);
    expect(await waitReason(repo)).toMatchObject({ code: "waits" });
    approveAs(repo, BOB, again);
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
  });

  it("of an author of commits on the trusted branch count with `not own`", async () => {
    const { repo } = prepare("approvals 1 not own");
    for (let n = 0; n < 3; n++) commitAs(repo, BOB, `chore: ${n}\n`, { branch: "main" });
    repo.git("update-ref", "refs/heads/topic", "main");
    approveAs(repo, BOB, commitAs(repo, ANN, ASK));
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
  });
});

describe("approvals by signature", () => {
  const [bob, eve] = [makeKey("bob"), makeKey("eve")];
  const files = { "states/allowed_signers": bob.allowed(BOB) };
  const signed = () => prepare("approvals 1 by leads", { top: `${PEOPLE}proof: signature\n`, files });

  it("do not count by their author line alone", async () => {
    const { repo, asked: request } = signed();
    approveAs(repo, BOB, request);
    expect(await waitReason(repo)).toMatchObject({ code: "waits", detail: "waits for 1 approval by leads" });
  });

  it("count by a listed key, for the address in the list", async () => {
    const { repo, asked: request } = signed();
    approveAs(repo, EVE, request, { key: bob.file });
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
    expect(trailer(repo, "Approved-By")).toContain(BOB);
  });

  it("do not count by an unlisted key, whatever the repository configures", async () => {
    const { repo, asked: request } = signed();
    repo.write("../signers", eve.allowed(BOB));
    repo.git("config", "gpg.ssh.allowedSignersFile", `${repo.dir}/../signers`);
    approveAs(repo, BOB, request, { key: eve.file });
    // The output of ssh-keygen for a known key.
    const signatureOutput = `Good "git" signature for ${BOB} with ED25519 key SHA256:abc`;
    const program = `#!/bin/sh\ncase $2 in find-*) echo ${BOB} ;; *) echo '${signatureOutput}' ;; esac\n`;
    repo.write("../program", program, 0o755);
    repo.git("config", "gpg.ssh.program", `${repo.dir}/../program`);
    expect(await waitReason(repo)).toMatchObject({ code: "waits", detail: "waits for 1 approval by leads" });
  });

  it("do not count for a request that the same key signed with another name", async () => {
    const top = `${PEOPLE}proof: signature\n`;
    const { repo } = prepare("approvals 1 by leads not own", { top, files });
    repo.git("update-ref", "refs/heads/topic", "main");
    const own = commitAs(repo, ANN, ASK, { key: bob.file });
    approveAs(repo, BOB, own, { key: bob.file });
    expect(await waitReason(repo)).toMatchObject({ code: "waits", detail: "waits for 1 approval by leads" });
    // It is still their own if it looks like the first commit of a child.
    repo.git("update-ref", "refs/heads/topic", "main");
    const born = commitAs(repo, ANN, `${ASK}Parent: other\n`, { key: bob.file });
    approveAs(repo, BOB, born, { key: bob.file });
    expect(await waitReason(repo)).toMatchObject({ code: "waits", detail: "waits for 1 approval by leads" });
    repo.git("update-ref", "refs/heads/topic", "main");
    approveAs(repo, BOB, commitAs(repo, ANN, ASK), { key: bob.file });
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
  });

  it("do not count without a list of keys", async () => {
    const { repo, asked: request } = prepare("approvals 1", { top: "proof: signature\n" });
    approveAs(repo, BOB, request, { key: bob.file });
    expect(await waitReason(repo)).toMatchObject({ code: "waits" });
  });
});

describe("a state with `by`", () => {
  const states = (by = "[leads]") =>
    `  ship: { next: done, by: ${by} }\n  first: { next: ship }\n  look: { human: true, next: [ship, failed] }\n`;
  const ship = (by?: string): Repo => {
    const repo = makeRepo({
      "states/ship": "#!/bin/sh\ntrue\n",
      "states/first": "#!/bin/sh\ntrue\n",
      "states/workflow.yml": `${PEOPLE}start: [first, look]\nstates:\n${states(by)}`,
    });
    repo.git("branch", "topic");
    return repo;
  };

  it("is parked for other people, with the reason", async () => {
    const repo = ship();
    commitAs(repo, EVE, "feat: x\n\nState: ship\n");
    await run(repo);
    expect(trailer(repo, "State")).toBe("parked");
    expect(body(repo)).toContain(`Only leads may request it, and ${EVE} did`);
  });

  it("is run for listed people, and for a response of the runner", async () => {
    const repo = ship();
    commitAs(repo, BOB, "feat: x\n\nState: ship\n");
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
    const other = ship("[]");
    commitAs(other, EVE, "feat: x\n\nState: first\n");
    await run(other);
    expect(trailer(other, "State")).toBe("done");
  });

  it("cannot be requested by a forged response above a human state", async () => {
    const repo = ship();
    const request = commitAs(repo, ANN, "feat: x\n\nState: look\n");
    commitAs(repo, EVE, `trailhand: look is done\n\nState: ship\nBranch: topic\nAnswers: ${request}\n`);
    await run(repo);
    expect(trailer(repo, "State")).toBe("parked");
    expect(body(repo)).toContain(`${EVE} did`);
  });

  it("cannot be requested by a request that calls itself an approval", async () => {
    const repo = ship();
    const request = commitAs(repo, BOB, "feat: x\n\nState: first\n");
    await run(repo);
    const answered = repo.git("rev-parse", "topic");
    commitAs(repo, EVE, `feat: y\n\nState: ship\nApproves: ${request}\n`, { parent: `${answered}~1` });
    await run(repo);
    expect(trailer(repo, "State")).toBe("parked");
  });

  it("is checked against the requester, not against the approver", async () => {
    const wait = "wait: approvals 1, deadline: 1d, otherwise: failed";
    const repo = makeRepo({
      "states/ship": "#!/bin/sh\ntrue\n",
      "states/workflow.yml": `${PEOPLE}states:\n  ship: { next: done, by: [leads], ${wait} }\n`,
    });
    repo.git("branch", "topic");
    approveAs(repo, BOB, commitAs(repo, EVE, "feat: x\n\nState: ship\n"));
    await run(repo);
    expect(trailer(repo, "State")).toBe("parked");
    repo.git("update-ref", "refs/heads/topic", "main");
    approveAs(repo, EVE, commitAs(repo, BOB, "feat: x\n\nState: ship\n"));
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
  });
});

describe("approvals of two states in a row", () => {
  const states = `  work: { next: ship, wait: [approvals 1 not own], deadline: 30d, otherwise: failed }
  ship: { next: done, wait: [approvals 1 by leads not own], deadline: 30d, otherwise: failed }
`;
  const begin = () => {
    const repo = makeRepo({
      "states/work": "#!/bin/sh\ntrue\n",
      "states/ship": "#!/bin/sh\ntrue\n",
      "states/workflow.yml": `${PEOPLE}states:\n${states}`,
    });
    repo.git("branch", "topic");
    return { repo, asked: commitAs(repo, ANN, ASK) };
  };

  it("may be by the same person, who asked for nothing by approving", async () => {
    const { repo, asked } = begin();
    approveAs(repo, BOB, asked);
    await run(repo);
    expect(trailer(repo, "State")).toBe("ship");
    approveAs(repo, BOB, repo.git("rev-parse", "topic"));
    await run(repo);
    expect(trailer(repo, "State")).toBe("done");
  });

  it("do not count from a person who changed files or requested the work", async () => {
    for (const message of [
      "fix: by hand\n\nState: work\n",
      "fix: by hand\n\nState: work\nApproves: $ASKED\n",
    ]) {
      const { repo, asked } = begin();
      const again = commitAs(repo, BOB, message.replace("$ASKED", asked));
      approveAs(repo, CAT, again);
      await run(repo);
      expect(trailer(repo, "State")).toBe("ship");
      approveAs(repo, BOB, repo.git("rev-parse", "topic"));
      expect(await waitReason(repo)).toMatchObject({ code: "waits" });
    }
  });
});
