/** Creates the small repository of the demo, and does what people do in it. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { MESSAGES, UserError } from "../core/messages/messages.ts";
import type { Branch } from "../core/protocol/ids.ts";
import { KEY } from "../core/protocol/trailer-keys.ts";
import { cleanEnv, Git } from "../git/git.ts";
import { DEMO_FILES, DEMO_REQUESTS, type DemoRequest } from "../templates/demo.ts";
import { openWorkspace } from "./open-workspace.ts";
import type { Environment } from "./workspace.ts";
import { writeRequest } from "./write-request.ts";

export class Demo {
  readonly #dir: string;
  readonly #env: Environment;
  readonly #git: Git;

  /** Creates the repository in a directory that does not exist yet. */
  static async create(dir: string, env: Environment): Promise<Demo> {
    for (const { path, text, executable } of DEMO_FILES) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text);
      if (executable) chmodSync(join(dir, path), 0o755);
    }
    const git = new Git({ dir, env: cleanEnv(env) });
    await git.run(["init", "--quiet", "--initial-branch=main"]);
    await git.run(["config", "user.name", "Demo Person"]);
    await git.run(["config", "user.email", "person@example.com"]);
    await git.run(["add", "--all"]);
    await git.run(["commit", "--quiet", "-m", "A calculator with one function"]);
    return new Demo(dir, env, git);
  }

  private constructor(dir: string, env: Environment, git: Git) {
    this.#dir = dir;
    this.#env = env;
    this.#git = git;
  }

  /** Writes a request for each feature, on a branch of its own. */
  async requestFeatures(): Promise<readonly DemoRequest[]> {
    const workspace = await openWorkspace(this.#dir, this.#env);
    const [main] = (await workspace.repository.listRefs()).heads;
    if (!main) throw new UserError(MESSAGES.noCommits());
    for (const { branch, subject, body } of DEMO_REQUESTS) {
      await writeRequest(workspace, {
        branch: branch as Branch,
        parent: main.commit,
        expected: null,
        state: "plan",
        messages: [subject, body],
        trailers: [],
      });
    }
    return DEMO_REQUESTS;
  }

  /** Merges each finished branch into main, as a person does. Returns the branches. */
  async mergeFinished(): Promise<readonly string[]> {
    const merged: string[] = [];
    for (const { branch } of DEMO_REQUESTS) {
      const format = `--format=%(trailers:key=${KEY.state},valueonly)`;
      const state = await this.#git.text(["log", "-n", "1", format, branch]);
      if (state.trim() !== "done") continue;
      await this.#git.run(["merge", "--quiet", "--no-ff", "-m", `Land ${branch}`, branch]);
      merged.push(branch);
    }
    return merged;
  }

  /** The history of main as `git log --graph` draws it. */
  async drawHistory(): Promise<string> {
    const graph = ["log", "--graph", "--oneline", "--decorate", "-n", "28", "main"];
    return (await this.#git.text(graph)).trimEnd();
  }
}
