/**
 * Checks our workflow files, and the one that `init` writes, against rules that keep strangers from
 * running code.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { actionsFile, readUses } from "../../../src/templates/github.ts";
import { commandTable } from "../../../src/github/commands/command-table.ts";
import { temporaryDir } from "../../support/temp-repo.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FOLDER = join(ROOT, ".github/workflows");

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}
interface JobFile {
  readonly permissions?: unknown;
  readonly "timeout-minutes"?: number;
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions?: unknown;
  readonly concurrency?: { readonly group: string; readonly "cancel-in-progress": boolean };
  readonly jobs: Readonly<Record<string, JobFile>>;
}

const KNOWN = `a/b@${"0".repeat(40)}`;
const FILES: readonly (readonly [name: string, text: string])[] = [
  ...readdirSync(FOLDER).map((name) => [name, readFileSync(join(FOLDER, name), "utf8")] as const),
  ["the one that init writes", actionsFile(readUses(KNOWN).uses).text],
];
const ACTION = readFileSync(join(ROOT, "action.yml"), "utf8");

/** The problems of a workflow file. */
function problemsOf(text: string): string[] {
  const { on, permissions, concurrency, jobs } = parse(text) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const isPrivileged = "pull_request_target" in on || "workflow_run" in on;
  return [
    ...(isPrivileged ? ["it runs with our rights for a stranger's pull request"] : []),
    ...(permissions === undefined ? ["it declares no permissions"] : []),
    ...(concurrency === undefined ? ["it sets no concurrency"] : []),
    ...Object.entries(jobs).flatMap(([name, job]) => [
      ...(typeof job.permissions === "object" ? [] : [`${name} declares no permissions of its own`]),
      ...(job["timeout-minutes"] === undefined ? [`${name} has no timeout`] : []),
    ]),
    ...stepProblems(steps),
    ...(pinned(text) ? [] : ["an action's version is not named beside its id"]),
  ];
}

function stepProblems(steps: readonly Step[]): string[] {
  return steps.flatMap((step) => [
    ...(step.run?.includes("${{") ? [`a script is put together from an event: ${step.run}`] : []),
    ...(step.uses === undefined || step.uses.startsWith("./") || /@[0-9a-f]{40}$/.test(step.uses)
      ? []
      : [`${step.uses} is not held by the id of a commit`]),
    ...(step.uses?.startsWith("actions/checkout@") && step.with?.["persist-credentials"] !== false
      ? ["a checkout leaves the token in a file"]
      : []),
  ]);
}

/** Each pinned id needs its version as a comment; `a/b` is a placeholder. */
const pinned = (text: string): boolean =>
  [...text.matchAll(/uses: (?!\.\/)(?!a\/b)\S+@[0-9a-f]{40}(.*)$/gm)].every(([, rest = ""]) =>
    /^ # v\d+\.\d+\.\d+$/.test(rest),
  );

describe("workflow files", () => {
  it.each(FILES)("%s has no problems", (_, text) => expect(problemsOf(text)).toEqual([]));

  it("problems are found", () => {
    const bad = `on: { pull_request_target: {} }
jobs:
  one:
    steps:
      - uses: actions/checkout@v4
      - run: echo "\${{ github.event.issue.title }}"
`;
    expect(problemsOf(bad)).toHaveLength(8);
    expect(problemsOf(bad).join()).toMatch(/stranger.*permissions.*concurrency.*timeout.*held.*token.*event/);
  });
});

describe.each(FILES.filter(([name]) => name !== "ci.yml"))("Trailhand in %s", (_, text) => {
  const { on, permissions, concurrency, jobs } = parse(text) as Workflow;

  it("subscribes to every event that it handles, and to a timer", () => {
    expect(Object.keys(on).toSorted()).toEqual([
      "check_run",
      "issue_comment",
      "issues",
      "pull_request",
      "pull_request_review",
      "pull_request_review_comment",
      "push",
      "schedule",
      "workflow_dispatch",
    ]);
    expect(on["issue_comment"]).toEqual({ types: ["created"] });
    // With only a tag filter, GitHub would ignore pushes to branches.
    expect(on["push"]).toEqual({ branches: ["**"] });
  });

  it("has only the permissions that its job needs", () => {
    expect(permissions).toEqual({});
    expect(Object.values(jobs).map((job) => job.permissions)).toEqual([
      { contents: "write", issues: "write", "pull-requests": "write", checks: "write" },
    ]);
  });

  it("drops no event that carries information", () => {
    expect(concurrency?.["cancel-in-progress"]).toBe(false);
    const [, listed = ""] =
      /contains\(fromJSON\('(.*?)'\), github\.event_name\) && 'sweep' \|\| github\.run_id/.exec(
        concurrency?.group ?? "",
      ) ?? [];
    // GitHub keeps only one waiting run of a group, so only runs without information may share one.
    expect(JSON.parse(listed)).toEqual(["push", "schedule", "workflow_dispatch"]);
  });
});

describe("ci.yml", () => {
  const { jobs, permissions } = parse(readFileSync(join(FOLDER, "ci.yml"), "utf8")) as Workflow;
  const steps = Object.values(jobs).flatMap((job) => job.steps);

  it("has read access only", () => expect(permissions).toEqual({ contents: "read" }));

  it("runs the commands of README and CONTRIBUTING", () => {
    expect(steps.flatMap(({ run }) => run ?? [])).toEqual(["bash .ci/run"]);
    const told = ["README.md", "CONTRIBUTING.md"]
      .map((name) => readFileSync(join(ROOT, name), "utf8"))
      .join();
    const commands = readFileSync(join(ROOT, ".ci/run"), "utf8").match(/^npm .*$/gm) ?? [];
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) expect(told).toContain(command.replace(/ --no-.*$/, ""));
  });
});

describe("the pages about GitHub", () => {
  const pages = ["github", "github-actions", "github-app", "github-security"];
  const read = (page: string) => readFileSync(join(ROOT, "docs", `${page}.md`), "utf8");

  it("list the comment commands", () => {
    const marked = /<!-- comment-commands:start -->\n\n([\s\S]*?)\n\n<!-- comment-commands:end -->/;
    expect(marked.exec(read("github"))?.[1]).toBe(commandTable());
  });

  it("list the inputs and outputs of the action, and the requested permissions", () => {
    const { inputs, outputs } = parse(ACTION) as { inputs: object; outputs: object };
    for (const name of [...Object.keys(inputs), ...Object.keys(outputs)])
      expect(read("github-actions")).toContain(`| \`${name}\` |`);
    const { jobs } = parse(FILES.find(([name]) => name === "trailhand.yml")?.[1] ?? "") as Workflow;
    const asked = Object.values(jobs).flatMap((job) => Object.entries(job.permissions as object));
    for (const [name, right] of asked) expect(read("github-actions")).toContain(`| \`${name}: ${right}\` |`);
    const app = parse(readFileSync(join(ROOT, "app.yml"), "utf8")) as {
      readonly default_permissions: Readonly<Record<string, string>>;
    };
    for (const [name, right] of Object.entries(app.default_permissions))
      expect(read("github-app")).toContain(`| ${name.replaceAll("_", " ")}: ${right} |`);
  });

  it.each(pages)("%s links only to existing pages and sections", (page) => {
    for (const [, target = "", part] of read(page).matchAll(
      /\]\((?!https?:)([\w-]*)(?:\.md)?(?:#([\w-]+))?\)/g,
    )) {
      const text = read(target === "" ? page : target);
      const parts = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w -]/g, "")
          .replaceAll(" ", "-"),
      );
      if (part !== undefined) expect(parts).toContain(part);
    }
  });

  it.each(pages)("README leads to %s", (page) => {
    expect(readFileSync(join(ROOT, "README.md"), "utf8")).toContain(`(docs/${page}.md)`);
  });
});

describe("action.yml", () => {
  const action = parse(ACTION) as {
    readonly inputs: Readonly<Record<string, object>>;
    readonly outputs: Readonly<Record<string, { readonly value: string }>>;
    readonly runs: { readonly using: string; readonly steps: readonly (Step & { readonly id?: string })[] };
  };
  const { steps } = action.runs;

  it("runs only its own scripts, without text of an event or an input in them", () => {
    expect(action.runs.using).toBe("composite");
    expect(steps.flatMap(({ uses }) => uses ?? [])).toEqual([]);
    expect(stepProblems(steps)).toEqual([]);
  });

  it("passes the token to the last step only", () => {
    const holding = steps.filter((step) => JSON.stringify(step).includes("inputs.token"));
    expect(holding).toEqual([steps.at(-1)]);
  });

  it("declares the outputs that the command writes", () => {
    expect(Object.keys(action.outputs)).toEqual(["applied", "answered", "failed", "waiting"]);
    for (const [name, { value }] of Object.entries(action.outputs))
      expect(value).toBe(`\${{ steps.run.outputs.${name} }}`);
  });

  it("passes its inputs as separate arguments", () => {
    const folder = temporaryDir();
    // Instead of the program: a script that prints its arguments.
    writeFileSync(join(folder, "node"), '#!/bin/sh\nshift\nfor a in "$@"; do printf "<%s>" "$a"; done\n', {
      mode: 0o755,
    });
    const given = (env: Readonly<Record<string, string>>) =>
      execFileSync("bash", ["-e", "-c", steps.at(-1)?.run ?? ""], {
        encoding: "utf8",
        env: {
          PATH: `${folder}:${process.env["PATH"]}`,
          GITHUB_ACTION_PATH: "/x",
          TRAILHAND_REMOTE: "",
          TRAILHAND_CONCURRENCY: "",
          TRAILHAND_BRANCH: "",
          TRAILHAND_SIGNED: "false",
          ...env,
        },
      });
    expect(given({})).toBe("<action>");
    expect(
      given({
        TRAILHAND_REMOTE: "https://e/a b",
        TRAILHAND_CONCURRENCY: "2",
        TRAILHAND_BRANCH: "feat/$(id)\n--upload-pack=x\n",
        TRAILHAND_SIGNED: "true",
      }),
    ).toBe(
      "<action><--remote=https://e/a b><--concurrency=2><--signed><--branch=feat/$(id)><--branch=--upload-pack=x>",
    );
  });
});
