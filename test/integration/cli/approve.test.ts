/** `trailhand approve`: writes an approval only where it counts. */
import { describe, expect, test } from "vitest";
import { cli, cliIn } from "../../support/run-cli.ts";
import { commitAs, makeKey } from "../../support/person-commits.ts";
import { ask, makeRemote, trailerOf } from "../../support/bare-remote.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const [ANN, BOB, CAT] = ["ann@example.com", "bob@example.com", "cat@example.com"];
const workflow = (wait: string, top = "") =>
  `people: { leads: [${BOB}, ${CAT}] }\n${top}states:\n  work: { next: done, wait: ${wait}, deadline: 30d, otherwise: failed }\n  look: { human: true, next: [work] }\n`;

const filesOf = (wait: string, top?: string) => ({
  "states/work": "#!/bin/sh\ntrue\n",
  "states/workflow.yml": workflow(wait, top).replace("states:", "start: [work, look]\nstates:"),
});

function prepare(wait: string, top?: string, files: Readonly<Record<string, string>> = {}): Repo {
  const repo = makeRepo({ ...filesOf(wait, top), ...files });
  repo.git("branch", "topic");
  return repo;
}

/** Runs the CLI with the given address as git identity. */
function as(repo: Repo, address: string, ...args: string[]) {
  repo.git("config", "user.name", address);
  repo.git("config", "user.email", address);
  return cli(repo, ...args);
}

const head = (repo: Repo) => repo.git("rev-parse", "topic");

test("people with permission approve, and the work continues after enough approvals", () => {
  const repo = prepare("approvals 2 by leads not own");
  const asked = commitAs(repo, CAT, "feat: a thing\n\nState: work\n");
  const status = as(repo, BOB, "status", "--needs-me").out;
  expect(status).toContain("waits for 2 approvals by leads  (trailhand approve topic)");

  const refused = (address: string) => {
    const before = head(repo);
    const { code, err } = as(repo, address, "approve", "topic");
    expect(head(repo)).toBe(before);
    expect(code).toBe(3);
    return err;
  };
  expect(refused(ANN)).toContain(`it waits for leads, and you are ${ANN}`);
  expect(refused(CAT)).toContain(`it is your own work (${CAT})`);
  const first = as(repo, BOB, "approve", "topic", "-m", "fine with me", "-m", "Really.");
  expect(first).toMatchObject({ code: 0, err: "1 more to go\n" });
  expect(repo.git("log", "-1", "--format=%an%n%B", "topic").trim()).toBe(
    `${BOB}\nfine with me\n\nReally.\n\nApproves: ${asked}`,
  );
  expect(refused(BOB)).toContain(`${BOB} has approved it already`);
  expect(as(repo, BOB, "status", "--needs-me").out).toContain(
    `waits for 1 approval by leads, approved by ${BOB}`,
  );
  expect(as(repo, BOB, "status", "--needs-me").out).toMatch(/topic +work /);
  expect(as(repo, BOB, "resume", "topic").err).toContain("it is at work");

  const main = repo.git("rev-parse", "main");
  repo.git("update-ref", "refs/heads/topic", main);
  const again = commitAs(repo, ANN, "feat: a thing\n\nState: work\n");
  as(repo, BOB, "approve", "topic");
  const last = JSON.parse(as(repo, CAT, "approve", "topic", "--json").out) as object;
  expect(last).toEqual({ branch: "topic", commit: head(repo), approves: again, by: CAT, missing: 0 });
  expect(refused(CAT)).toContain("its request does not wait for an approval");
  expect(cli(repo, "log", "topic").out).toMatch(/approved +cat@example.com/);
  expect(cli(repo, "run").code).toBe(0);
  expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "topic").trim()).toBe("done");
  expect(cli(repo, "log", "topic").out).toMatch(/was approved +cat@example.com/);
  expect(refused(BOB)).toContain("its request does not wait for an approval");
});

test("a void approval is reported, and the state must be requested again", () => {
  const repo = prepare("approvals 1");
  commitAs(repo, ANN, "feat: a thing\n\nState: work\n");
  as(repo, BOB, "approve", "topic");
  commitAs(repo, CAT, "fix: one more thing\n");
  expect(cli(repo, "status").out).toContain("a person committed on top of work");
  expect(as(repo, BOB, "approve", "topic").err).toContain("its request does not wait for an approval");
  expect(as(repo, ANN, "resume", "topic").code).toBe(0);
  expect(cli(repo, "status", "--needs-me").out).toContain("waits for 1 approval");

  const asked = head(repo);
  repo.git("switch", "-q", "topic");
  repo.write("more.txt", "more\n");
  repo.commit(`approved\n\nApproves: ${asked}\n`);
  expect(cli(repo, "status").out).toContain(`the approval of ${asked.slice(0, 10)} is void`);
  expect(cli(repo, "doctor").out).toContain(`approval: topic: the approval of ${asked.slice(0, 10)} is void`);
  const said = as(repo, BOB, "approve");
  expect(said.code).toBe(3);
  expect(said.err).toContain("so ask for the state again");
  expect(as(repo, ANN, "resume").code).toBe(0);
  expect(as(repo, BOB, "approve").code).toBe(0);
  expect(cli(repo, "run", "--dry-run").out).toMatch(/^run +topic +work +ready to run/m);
});

test("with on-plain-commit: continue, a plain commit needs a new approval", () => {
  const repo = prepare("approvals 1", "on-plain-commit: continue\n");
  commitAs(repo, ANN, "feat: a thing\n\nState: work\n");
  as(repo, BOB, "approve", "topic");
  const plain = commitAs(repo, CAT, "fix: one more thing\n");
  expect(cli(repo, "status", "--needs-me").out).toContain("waits for 1 approval  (trailhand approve topic)");
  cli(repo, "run");
  expect(head(repo)).toBe(plain);
  expect(as(repo, BOB, "approve", "topic").code).toBe(0);
  cli(repo, "run");
  expect(repo.git("log", "-1", "--format=%(trailers:key=State,valueonly)", "topic").trim()).toBe("done");
});

test("a partly approved request can be cancelled", () => {
  const repo = prepare("approvals 2");
  commitAs(repo, ANN, "feat: a thing\n\nState: work\n");
  as(repo, BOB, "approve", "topic");
  expect(as(repo, ANN, "cancel", "topic")).toMatchObject({ code: 0 });
  expect(cli(repo, "status", "--all").out).toContain("ended as cancelled");
});

test("approve works in a dirty checkout and requires a git identity", () => {
  const repo = prepare("approvals 1");
  commitAs(repo, ANN, "feat: a thing\n\nState: work\n");
  expect(cli(repo, "approve", "topic")).toMatchObject({ code: 2 });
  expect(cli(repo, "approve", "topic").err).toContain("git does not know who you are");
  repo.git("switch", "-q", "topic");
  repo.write("half.txt", "half\n");
  repo.write("states/work", "changed");
  expect(as(repo, BOB, "approve").code).toBe(0);
  expect(repo.git("status", "--short")).toContain("half.txt");
  expect(as(repo, BOB, "approve", "nowhere").code).toBe(2);
});

test("approve --remote changes only the remote", () => {
  const stage = makeRemote(filesOf("approvals 1 not own"));
  const asked = ask(stage, "topic", "feat: a thing\n\nState: work\n");
  const { person } = stage;
  const typed = (...args: string[]) =>
    cliIn(
      person.dir,
      { XDG_CACHE_HOME: stage.machine("hand")["XDG_CACHE_HOME"] ?? "" },
      ...args,
      "--remote",
      "origin",
    );
  person.git("config", "user.name", "bob");
  person.git("config", "user.email", BOB);
  expect(typed("approve", "topic")).toMatchObject({ code: 0 });
  expect(trailerOf(stage, "topic", "Approves")).toBe(asked);
  expect(person.git("rev-parse", "topic")).toBe(asked);
  expect(typed("run").code).toBe(0);
  expect(trailerOf(stage, "topic", "State")).toBe("done");
  expect(trailerOf(stage, "topic", "Approved-By")).toContain(BOB);
});

test("with proof: pusher, approve needs no signing key and checks the author", () => {
  const repo = prepare("approvals 1 by leads not own", "proof: pusher\n");
  const asked = commitAs(repo, CAT, "feat: a thing\n\nState: work\n");
  expect(as(repo, ANN, "approve", "topic").err).toContain(`it waits for leads, and you are ${ANN}`);
  expect(as(repo, CAT, "approve", "topic").err).toContain(`it is your own work (${CAT})`);
  const approved = JSON.parse(as(repo, BOB, "approve", "topic", "--json").out) as object;
  expect(approved).toEqual({ branch: "topic", commit: head(repo), approves: asked, by: BOB, missing: 0 });
  expect(repo.git("cat-file", "commit", "topic")).not.toContain("SIGNATURE");
});

describe("with proof: signature", () => {
  const [bob, eve] = [makeKey("bob"), makeKey("eve")];
  const signing = () => {
    const repo = prepare("approvals 1 by leads", "proof: signature\n", {
      "states/allowed_signers": bob.allowed(BOB),
    });
    commitAs(repo, ANN, "feat: a thing\n\nState: work\n");
    return repo;
  };

  test("approve requires a signing key that the trusted branch lists", () => {
    const repo = signing();
    const before = head(repo);
    const bare = as(repo, BOB, "approve", "topic");
    expect(bare.code).toBe(3);
    expect(bare.err).toContain("git config gpg.format ssh && git config user.signingkey");
    repo.git("config", "gpg.format", "ssh");
    repo.git("config", "user.signingkey", `${eve.file}-which-is-gone`);
    expect(as(repo, BOB, "approve", "topic").err).toContain("could not be signed");
    repo.git("config", "user.signingkey", eve.file);
    const unknown = as(repo, BOB, "approve", "topic");
    expect(unknown.code).toBe(3);
    expect(unknown.err).toContain("your signature is not made with a key listed in states/allowed_signers");
    expect(head(repo)).toBe(before);
  });

  test("approve signs with the person's key and never runs a signing program from the repository config", () => {
    const repo = signing();
    repo.git("config", "gpg.format", "ssh");
    repo.git("config", "user.signingkey", bob.file);
    repo.write("../evil", `#!/bin/sh\ntouch ${repo.dir}/../was-here\nexec ssh-keygen "$@"\n`, 0o755);
    repo.git("config", "gpg.ssh.program", `${repo.dir}/../evil`);
    expect(as(repo, "other@example.com", "approve", "topic", "--json").out).toContain(`"by": "${BOB}"`);
    expect(repo.git("cat-file", "commit", "topic")).toContain("BEGIN SSH SIGNATURE");
    expect(cli(repo, "run").code).toBe(0);
    expect(repo.git("log", "-1", "--format=%(trailers:key=Approved-By,valueonly)", "topic")).toContain(BOB);
    expect(() => repo.git("hash-object", `${repo.dir}/../was-here`)).toThrow();
  });
});
