/**
 * Acts like GitHub after a push: sends a signed webhook, and adds an entry to the activity log.
 *
 * Invariants:
 * - The pusher is the account that the git server authenticated, whatever the commits say.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { APP, NAME, OWNER, type FakeGitHub } from "../fake-github.ts";
import { tellPushes } from "../post-receive.ts";
import type { Repo } from "../temp-repo.ts";
import type { Account } from "./github-fixture.ts";

export interface Pushing {
  /** Pushes to the bare repository as this account. */
  readonly push: (who: Account, ...refspecs: readonly string[]) => Promise<void>;
  /** While true, GitHub sends no push webhooks. */
  isSilent: boolean;
  /** While true, the activity log has no new entries. */
  isLate: boolean;
  /** GitHub's `activity_type` for the next pushes. */
  kind: string;
  readonly app: Account;
}

interface Activity {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly activity_type: string;
  readonly actor: Account;
}

/** Starts reporting pushes. `send` delivers the webhooks. */
export async function reportPushes(
  { github, far, person }: { readonly github: FakeGitHub; readonly far: string; readonly person: Repo },
  send: (name: string, payload: object) => Promise<number>,
): Promise<Pushing> {
  const account = async (login: string) =>
    (await github.as(OWNER, "GET", `/users/${encodeURIComponent(login)}`)) as Account;
  const app = await account(APP.login);
  const owner = await account(OWNER);
  const accounts = new Map([app, owner, await account("stranger")].map((one) => [one.login, one]));
  const log: Activity[] = [];
  const late: Activity[] = [];
  const pushing: Pushing = {
    isSilent: false,
    isLate: false,
    kind: "push",
    app,
    async push({ login }, ...refspecs) {
      // By path, because git over HTTP would block the test's own server.
      await promisify(execFile)("git", ["push", "-q", far, ...refspecs], {
        cwd: person.dir,
        env: { ...process.env, REMOTE_USER: login },
      });
    },
  };
  tellPushes(far, ({ before, after, ref, login }) => {
    // A second runner pushes with the owner's credentials.
    const actor = accounts.get(login) ?? owner;
    if (!ref.startsWith("refs/heads/")) return;
    (pushing.isLate ? late : log).unshift({ ref, before, after, activity_type: pushing.kind, actor });
    if (pushing.isSilent) return;
    const sender = { ...actor, type: actor.login.endsWith("[bot]") ? "Bot" : "User" };
    const repository = { id: 1, name: NAME, full_name: `${OWNER}/${NAME}`, owner };
    // The server may be stopping.
    send("push", { ref, before, after, repository, sender }).catch(() => undefined);
  });
  github.also((method, path) => {
    const url = new URL(path, "http://127.0.0.1");
    if (method !== "GET" || url.pathname !== `/repos/${OWNER}/${NAME}/activity`) return undefined;
    if (!pushing.isLate) log.unshift(...late.splice(0));
    const ref = url.searchParams.get("ref");
    return { status: 200, data: log.filter((one) => one.ref === ref).map((one, id) => ({ id, ...one })) };
  });
  return pushing;
}
