/**
 * What a host does of itself when somebody pushes: a signed webhook, and a line in its log.
 *
 * What must hold: who pushed is who git's server let in, whatever the commits say.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { APP, NAME, OWNER, type FakeGithub } from "../fake-github.ts";
import { tellPushes } from "../post-receive.ts";
import type { Repo } from "../temp-repo.ts";
import type { Account } from "./github-fixture.ts";

export interface Pushing {
  /** Pushes to the bare repository as somebody. */
  readonly push: (who: Account, ...refspecs: readonly string[]) => Promise<void>;
  /** While it is true, GitHub sends no webhooks of pushes. */
  isSilent: boolean;
  /** While it is true, the log says nothing of what is new. */
  isLate: boolean;
  /** What GitHub calls the moves that come. */
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

/** Begins to tell. `send` is the scene's. */
export async function tellOfPushes(
  {
    fakeGithub,
    far,
    person,
  }: { readonly fakeGithub: FakeGithub; readonly far: string; readonly person: Repo },
  send: (name: string, payload: object) => Promise<number>,
): Promise<Pushing> {
  const account = async (login: string) =>
    (await fakeGithub.as(OWNER, "GET", `/users/${encodeURIComponent(login)}`)) as Account;
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
      // By path: the server of the test must not be waited for in its own process.
      await promisify(execFile)("git", ["push", "-q", far, ...refspecs], {
        cwd: person.dir,
        env: { ...process.env, REMOTE_USER: login },
      });
    },
  };
  tellPushes(far, ({ before, after, ref, login }) => {
    // A runner beside the App pushes with credentials of the owner.
    const actor = accounts.get(login) ?? owner;
    if (!ref.startsWith("refs/heads/")) return;
    (pushing.isLate ? late : log).unshift({ ref, before, after, activity_type: pushing.kind, actor });
    if (pushing.isSilent) return;
    const sender = { ...actor, type: actor.login.endsWith("[bot]") ? "Bot" : "User" };
    const repository = { id: 1, name: NAME, full_name: `${OWNER}/${NAME}`, owner };
    // The server may be stopping.
    send("push", { ref, before, after, repository, sender }).catch(() => undefined);
  });
  fakeGithub.also((method, path) => {
    const url = new URL(path, "http://127.0.0.1");
    if (method !== "GET" || url.pathname !== `/repos/${OWNER}/${NAME}/activity`) return undefined;
    if (!pushing.isLate) log.unshift(...late.splice(0));
    const ref = url.searchParams.get("ref");
    return { status: 200, data: log.filter((one) => one.ref === ref).map((one, id) => ({ id, ...one })) };
  });
  return pushing;
}
