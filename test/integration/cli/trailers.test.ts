/** Trailers that people add to a request: events, budgets, dependencies. */
import { describe, expect, test } from "vitest";
import { cli, cliIn, cliStart, introduce } from "../../support/run-cli.ts";
import { commitAs } from "../../support/person-commits.ts";
import { makeRemote } from "../../support/bare-remote.ts";
import { makeRepo, type Repo } from "../../support/temp-repo.ts";

const FILES = {
  "states/work": '#!/bin/sh\necho cost=2 >>"$TRAILHAND_OUTPUT"\n',
  "states/workflow.yml": "limits: { cost: 3 }\nstates:\n  work: { next: again }\n  again: { next: done }\n",
  "states/again": '#!/bin/sh\necho cost=2 >>"$TRAILHAND_OUTPUT"\n',
};
const prepare = () => introduce(makeRepo(FILES));
const values = (repo: Repo, key: string, branch: string) =>
  repo.git("log", "-1", `--format=%(trailers:key=${key},valueonly)`, branch).trim();
const count = (repo: Repo, branch: string) => Number(repo.git("rev-list", "--count", `main..${branch}`));

describe("--event", () => {
  test("an event creates one request, on a new or an existing branch", () => {
    const repo = prepare();
    const event = "github:push:4711";
    const first = cli(repo, "request", "work", "--new", "topic", "--event", event, "--json");
    const { commit } = JSON.parse(first.out) as { commit: string };
    expect(values(repo, "Event", "topic")).toBe(event);
    const again = cli(repo, "request", "work", "--new", "topic", "--event", event);
    expect(again.code).toBe(0);
    expect(again.out).toBe(
      `${commit.slice(0, 10)} on topic has the event ${event} already; nothing was written\n`,
    );
    const json = cli(repo, "request", "again", "--branch", "topic", "--event", event, "--json").out;
    expect(JSON.parse(json)).toEqual({ branch: "topic", state: "again", commit, known: true });
    expect(count(repo, "topic")).toBe(1);

    expect(cli(repo, "request", "work", "--branch", "topic", "--event", "other").code).toBe(0);
    commitAs(repo, "ann@example.com", "fix: more\n");
    expect(cli(repo, "request", "work", "--branch", "topic", "--event", event).out).toContain(
      commit.slice(0, 10),
    );
    expect(count(repo, "topic")).toBe(3);
    expect(cli(repo, "request", "work", "--new", "topic", "--event", "a third")).toMatchObject({ code: 2 });
  });

  test("an event that is merged can be requested again, and event ids match only in full", () => {
    const repo = prepare();
    cli(repo, "request", "work", "--new", "topic", "--event", "one-and-two");
    expect(cli(repo, "request", "work", "-b", "topic", "--event", "one").err).toContain(
      "next: trailhand run",
    );
    expect(count(repo, "topic")).toBe(2);
    repo.git("merge", "-q", "--ff-only", "topic");
    expect(cli(repo, "request", "work", "-b", "topic", "--event", "one").out).toContain("asks for work");
    expect(cli(repo, "request", "work", "-b", "topic", "--event", "a\nb").code).toBe(2);
    expect(cli(repo, "request", "work", "-b", "topic", "--event", " ").err).toContain(
      "is not a valid event id",
    );
  });

  test("simultaneous requests with the same event create one request", async () => {
    const repo = prepare();
    const ask = () => {
      const child = cliStart(repo, {}, "request", "work", "--new", "topic", "--event", "e");
      return new Promise<number | null>((resolve) => child.once("exit", resolve));
    };
    const codes = await Promise.all([ask(), ask(), ask(), ask()]);
    expect(codes.filter((code) => code === 0).length).toBeGreaterThan(0);
    expect(codes.every((code) => code === 0 || code === 75)).toBe(true);
    expect(count(repo, "topic")).toBe(1);
  });

  test("an event is recognized at a remote", () => {
    const stage = makeRemote(FILES);
    introduce(stage.person);
    const env = { XDG_CACHE_HOME: stage.machine("hand")["XDG_CACHE_HOME"] ?? "" };
    const hand = () =>
      cliIn(stage.person.dir, env, "request", "work", "--new", "topic", "--event", "e", "--remote", "origin");
    expect(hand().out).toContain("asks for work");
    expect(hand()).toMatchObject({
      code: 0,
      out: expect.stringContaining("has the event e already") as string,
    });
    expect(stage.remote.git("rev-list", "--count", "main..topic")).toBe("1");
  });
});

describe("trailers", () => {
  test("work that was parked over its budget continues with a higher budget", () => {
    const repo = prepare();
    cli(repo, "request", "work", "--new", "topic", "--trailer", "Budget: 1 USD");
    cli(repo, "run");
    expect(values(repo, "State", "topic")).toBe("parked");
    const body = repo.git("log", "-1", "--format=%b", "topic");
    expect(body).toContain("2 USD of 1 are spent");
    const [, command = ""] = /trailhand (resume topic --trailer "Budget: 2 USD")/.exec(body) ?? [];
    expect(command).not.toBe("");
    cli(repo, "resume", "topic", "--trailer", "Budget: 10 USD");
    expect(cli(repo, "log", "topic").out).toContain("2 USD");
    cli(repo, "run");
    expect(values(repo, "State", "topic")).toBe("done");
    expect(values(repo, "Budget", "topic")).toBe("10 USD");
  });

  test.each([
    ["Budget: much", '"much" is not a valid budget'],
    ["Budget: 10", "is not a valid budget"],
    ["Not-Before: tomorrow", '"tomorrow" is not a valid time'],
    ["Depends-On: two words", "children all|any|settled|quorum <n>"],
    ["State: done", "is reserved: Trailhand writes it itself"],
    ["Event: x", "is reserved: Trailhand writes it itself"],
    ["nothing", 'it has no ":"'],
  ])("%s is a usage error", (trailer, sentence) => {
    const repo = prepare();
    repo.git("branch", "topic");
    commitAs(repo, "ann@example.com", "feat: x\n\nState: work\n");
    commitAs(repo, "ann@example.com", "chore: x\n\nState: parked\n");
    for (const args of [
      ["request", "work", "--new", "x"],
      ["resume", "topic"],
      ["retry", "topic"],
    ]) {
      const said = cli(repo, ...args, "--trailer", trailer);
      expect(said.code).toBe(2);
      expect(said.err).toContain(sentence);
    }
    expect(repo.git("branch", "--list", "x")).toBe("");
  });

  test("request accepts Owns, Budget, Depends-On, Priority and Assigned-To", () => {
    const repo = prepare();
    cli(repo, "request", "work", "--new", "other");
    const trailers = [
      "Owns: src/**",
      "Budget: 1 USD, 2h",
      "Depends-On: other",
      "Priority: 3",
      "Assigned-To: claude",
    ];
    const said = cli(
      repo,
      "request",
      "work",
      "--new",
      "topic",
      ...trailers.flatMap((one) => ["--trailer", one]),
    );
    expect(said.code).toBe(0);
    const message = repo.git("log", "-1", "--format=%B", "topic");
    for (const one of trailers) expect(message).toContain(`\n${one}\n`);
    expect(cli(repo, "status").out).toContain("waits for the branch other, which is at work");
  });

  test("resume and retry accept trailers too, and --trailer is repeatable", () => {
    const repo = prepare();
    repo.git("branch", "topic");
    commitAs(repo, "ann@example.com", "feat: x\n\nState: work\n");
    commitAs(repo, "ann@example.com", "stop\n\nState: parked\n");
    expect(cli(repo, "resume", "topic", "--trailer", "Budget: 9 USD", "--trailer", "Priority: 2").code).toBe(
      0,
    );
    expect([values(repo, "State", "topic"), values(repo, "Budget", "topic")]).toEqual(["work", "9 USD"]);
    expect(values(repo, "Priority", "topic")).toBe("2");
    commitAs(repo, "ann@example.com", "stop\n\nState: failed\n");
    expect(cli(repo, "retry", "topic", "--trailer", "Owns: docs").code).toBe(0);
    expect([values(repo, "State", "topic"), values(repo, "Owns", "topic")]).toEqual(["work", "docs"]);
  });

  test("a dependency cycle is rejected, the error lists it, and nothing is written", () => {
    const repo = prepare();
    cli(repo, "request", "work", "--new", "a");
    cli(repo, "request", "work", "--new", "b", "--trailer", "Depends-On: branch a");
    cli(repo, "request", "work", "--new", "c", "--trailer", "Depends-On: b");
    const said = cli(repo, "request", "work", "--branch", "a", "--trailer", "Depends-On: c");
    expect(said.code).toBe(3);
    expect(said.err).toContain("These requests would wait for each other forever: a -> c -> b -> a.");
    expect(count(repo, "a")).toBe(1);
    expect(cli(repo, "request", "work", "--new", "d", "--trailer", "Depends-On: d").err).toContain("d -> d");
    commitAs(repo, "ann@example.com", "stop\n\nState: parked\n", { branch: "a" });
    expect(cli(repo, "resume", "a", "--trailer", "depends-on: c")).toMatchObject({ code: 3 });
    expect(cli(repo, "resume", "a").code).toBe(0);
  });
});
