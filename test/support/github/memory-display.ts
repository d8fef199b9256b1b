/** A publisher in memory. */
import { readActualState, type ActualState } from "../../../src/github/display/actual-state.ts";
import type { Write } from "../../../src/github/display/diff.ts";
import { diff } from "../../../src/github/display/diff.ts";
import type {
  ShownCheck,
  ShownComment,
  ShownPull,
  PublisherIdentity,
  Publisher,
} from "../../../src/github/display/publisher-port.ts";
import {
  sourceKey,
  type CommandSource,
  type Check,
  type Label,
  type DesiredState,
} from "../../../src/github/display/desired-state.ts";

export const SELF: PublisherIdentity = { accountId: 1, appId: 77 };

export class Shown {
  labels: string[] = ["bug"];
  threads = new Map<number, { labels: string[]; comments: ShownComment[] }>();
  /** The state of issues and pull requests. The default is open. */
  issues = new Map<number, { isOpen?: boolean; isPull?: boolean; reason?: string }>();
  pulls = new Map<string, ShownPull[]>();
  checks = new Map<string, ShownCheck[]>();
  reactions = new Map<string, { userId: number; content: string }[]>();
  #ids = 0;

  constructor(...numbers: readonly number[]) {
    for (const number of numbers) this.threads.set(number, { labels: [], comments: [] });
  }

  say(number: number, authorId: number, body: string): void {
    this.threads.get(number)?.comments.push({ id: ++this.#ids, authorId, body });
  }

  read(wanted: DesiredState, self = SELF): Promise<ActualState> {
    const publisher: Partial<Publisher> = {
      listLabels: async () => this.labels,
      readThread: async (number) => {
        const { isOpen = true, isPull = false, reason } = this.issues.get(number) ?? {};
        const labels = this.threads.get(number)?.labels;
        return labels && { labels, isOpen, isPull, reason };
      },
      listPullsFrom: async (branch) => this.pulls.get(branch) ?? [],
      listComments: async (number) => this.threads.get(number)?.comments ?? [],
      listChecks: async (commit) => this.checks.get(commit) ?? [],
      listReactions: async (source: CommandSource) => this.reactions.get(sourceKey(source)) ?? [],
    };
    return readActualState(publisher as Publisher, wanted, self);
  }

  write(write: Write): void {
    const thread = "number" in write ? this.threads.get(write.number) : undefined;
    const drop = (id: number) =>
      thread?.comments.splice(
        thread.comments.findIndex((one) => one.id === id),
        1,
      );
    switch (write.kind) {
      case "create-label":
        return void this.labels.push((write.label satisfies Label).name);
      case "add-label":
        return void thread?.labels.push(write.name);
      case "remove-label":
        return void thread?.labels.splice(thread.labels.indexOf(write.name), 1);
      case "create-comment":
        return this.say(write.number, SELF.accountId, write.body);
      case "edit-comment":
        drop(write.id);
        return void thread?.comments.push({ id: write.id, authorId: SELF.accountId, body: write.body });
      case "delete-comment":
        return void drop(write.id);
      case "create-check":
      case "update-check":
        return this.#check(write.check, write.kind === "update-check" ? write.id : undefined);
      case "close-issue":
      case "close-pull":
        return void this.issues.set(write.number, { ...this.issues.get(write.number), isOpen: false });
      case "create-pull": {
        const { branch, commit } = write.pull;
        const made = { number: ++this.#ids, isOpen: true, commit };
        return void this.pulls.set(branch, [...(this.pulls.get(branch) ?? []), made]);
      }
      case "react": {
        const key = sourceKey(write.source);
        this.reactions.set(key, [...(this.reactions.get(key) ?? []), { userId: 1, content: write.content }]);
      }
    }
  }

  #check(check: Check, id: number | undefined): void {
    const { name, externalId, title, summary, status, conclusion, commit } = check;
    const shown = { id: id ?? ++this.#ids, appId: 77, name, externalId, title, summary, status, conclusion };
    const others = (this.checks.get(commit) ?? []).filter((one) => one.id !== id);
    this.checks.set(commit, [...others, shown]);
  }
}

/** Writes the differences. */
export async function settle(shown: Shown, wanted: DesiredState): Promise<Write[]> {
  const writes = diff(await shown.read(wanted), wanted);
  for (const write of writes) shown.write(write);
  return writes;
}

export const kinds = (writes: readonly Write[]) => writes.map(({ kind }) => kind);
