/**
 * Signs commits with the key in the configuration of the runner's git.
 *
 * Invariants:
 * - Only commits that this machine wrote are signed, because anyone who can push can write a side ref.
 * - Nothing asks for a passphrase. A key that does not answer in time has failed.
 * - The signing programs come from the configuration of the user or the machine, never of a repository.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseSha, type Sha } from "../core/protocol/ids.ts";
import { CannotSign, MESSAGES } from "../core/messages/messages.ts";
import { cleanLine, cleanText, redact } from "../core/util/redact.ts";
import { BoundedGit, GitLimit, isGitProblem } from "./bounded-git.ts";
import { GitExit, GitSilence, type Setting } from "./git.ts";
import type { GitLocation } from "./open-repository.ts";
import { requireSha, type ScopedSetting } from "./parse-output.ts";
import { OWN_SIGNING } from "./timing.ts";

/** What git and the signing programs need to find a key and its agent. A prompt needs more. */
const VARIABLES =
  /^(?:PATH|HOME|TMPDIR|USER|LOGNAME|LANG|XDG_CONFIG_HOME|XDG_RUNTIME_DIR|GNUPGHOME|SSH_AUTH_SOCK|GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM))$/;
const IS_SIGNED = /^gpgsig(?:-sha256)? /m;
/** How much of the words of git is quoted. */
const LONGEST = 400;

export class CommitSigning {
  readonly #location: GitLocation;
  /** Holds a file for each commit that waits for its signature. */
  readonly #folder: string;
  /** Unsigned commits that this process wrote. */
  readonly #written = new Set<Sha>();
  /** How long one signature may take. */
  readonly #limitMs: number;
  #worksUntil = 0;
  /** True when the trusted workflow says `sign: true`. */
  isRequired = false;

  constructor(location: GitLocation, folder: string, limitMs: number = OWN_SIGNING.limitMs) {
    this.#location = location;
    this.#folder = folder;
    this.#limitMs = limitMs;
  }

  recordWritten(commit: Sha): void {
    if (this.isRequired) this.#written.add(commit);
  }

  /** Lets later processes of this machine sign the commit. */
  signLater(commit: Sha): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#folder, commit), "");
  }

  /** A copy of the commit with a signature. Throws CannotSign. */
  async sign(commit: Sha): Promise<Sha> {
    const object = await this.#location.git.text(["cat-file", "commit", commit]);
    const end = object.indexOf("\n\n");
    const header = object.slice(0, end + 1);
    if (IS_SIGNED.test(header)) return commit;
    const file = join(this.#folder, commit);
    if (!this.#written.has(commit) && !existsSync(file))
      throw new CannotSign(MESSAGES.signedElsewhere(commit));
    const parents = [...header.matchAll(/^parent (\S+)$/gm)].flatMap(([, id = ""]) => ["-p", id]);
    const tree = /^tree (\S+)$/m.exec(header)?.[1] ?? "";
    const args = [...parents, "-F", "-", tree];
    const signed = await this.#commitTree(args, object.slice(end + 2), identityIn(header));
    this.#written.delete(commit);
    rmSync(file, { force: true });
    return signed;
  }

  /** Why this identity cannot sign now, found out by a trial; undefined: the key works. */
  async problem(identity: Readonly<Record<string, string>>): Promise<string | undefined> {
    if (performance.now() < this.#worksUntil) return undefined;
    const { emptyTree } = this.#location;
    const objects = mkdtempSync(join(tmpdir(), "trailhand-signing-"));
    try {
      const env = { ...identity, GIT_OBJECT_DIRECTORY: objects };
      await this.#commitTree(["-F", "-", emptyTree], "trailhand: a trial of the signing key\n", env);
      this.#worksUntil = performance.now() + OWN_SIGNING.trialMs;
      return undefined;
    } catch (error) {
      if (error instanceof CannotSign) return error.why;
      throw error;
    } finally {
      rmSync(objects, { recursive: true, force: true });
    }
  }

  async #commitTree(
    args: readonly string[],
    stdin: string,
    identity: Readonly<Record<string, string>>,
  ): Promise<Sha> {
    const { git, commonDir, settings } = this.#location;
    const key = signingKey(settings);
    if ("problem" in key) throw new CannotSign(key.problem);
    const kept = Object.entries(git.target.env).filter(([name]) => VARIABLES.test(name));
    const env = {
      ...Object.fromEntries(kept),
      ...identity,
      GIT_DIR: commonDir,
      GIT_NO_REPLACE_OBJECTS: "1",
      LC_ALL: "C",
      // Without a terminal and a display, a key with a passphrase fails unless an agent has unlocked it.
      SSH_ASKPASS_REQUIRE: "never",
    };
    const signer = new BoundedGit({ dir: git.target.dir, env, settings: key.settings });
    try {
      const call = { stdin, limitMs: this.#limitMs };
      return requireSha(await signer.text(["commit-tree", "-S", ...args], call));
    } catch (error) {
      if (isGitProblem(error)) throw new CannotSign(signingFailure(error), { cause: error });
      throw error;
    }
  }
}

/** Author, committer and their dates, as the header of a commit names them. */
function identityIn(header: string): Record<string, string> {
  const read = (role: string) =>
    new RegExp(`^${role} (.*?) ?<(.*)> (\\d+ [+-]\\d+)$`, "m").exec(header) ?? [];
  const variables = (["author", "committer"] as const).flatMap((role): [string, string][] => {
    const [, name = "", email = "", date = ""] = read(role);
    const prefix = `GIT_${role.toUpperCase()}`;
    return [
      [`${prefix}_NAME`, name],
      [`${prefix}_EMAIL`, email],
      [`${prefix}_DATE`, `@${date}`],
    ];
  });
  return Object.fromEntries(variables);
}

/** The settings that sign with the configured key, or why there is none. */
export function signingKey(
  settings: readonly ScopedSetting[],
): { readonly settings: readonly Setting[]; readonly isSsh: boolean } | { readonly problem: string } {
  const last = (name: string, all = settings) => all.findLast(({ key }) => key === name)?.value;
  const trusted = settings.filter(({ scope }) => scope === "global" || scope === "system");
  const format = last("gpg.format") ?? "openpgp";
  const key = last("user.signingkey");
  const keyCommand = last("gpg.ssh.defaultkeycommand", trusted);
  if (format === "ssh" && !key && !keyCommand) return { problem: MESSAGES.noKeyConfigured() };
  const gpg = last("gpg.openpgp.program", trusted) ?? last("gpg.program", trusted) ?? "gpg";
  return {
    isSsh: format === "ssh",
    settings: [
      ["i18n.commitEncoding", "UTF-8"],
      ["gpg.format", format],
      ["gpg.program", gpg],
      ["gpg.openpgp.program", gpg],
      ["gpg.x509.program", last("gpg.x509.program", trusted) ?? "gpgsm"],
      ["gpg.ssh.program", last("gpg.ssh.program", trusted) ?? "ssh-keygen"],
      ["gpg.ssh.defaultKeyCommand", keyCommand ?? "false"],
      ...(key ? [["user.signingKey", key] as const] : []),
    ],
  };
}

/** The words of git and the signing program, on one line. */
function signingFailure(error: GitExit | GitLimit): string {
  if (error instanceof GitLimit) return MESSAGES.keySilent(error.message);
  const lines = error.stderr.split("\n").map((line) => line.replace(/^(?:error|fatal): /, "").trim());
  const isWord = (line: string) => !/^(?:|\[GNUPG:\].*|failed to write commit object)$/.test(line);
  const words = lines.filter(isWord).join("; ");
  // Older versions of git keep the words of gpg to themselves.
  const isSilent = words === "gpg failed to sign the data";
  return cleanLine(redact(cleanText(isSilent ? MESSAGES.gpgSilent(words) : words)), LONGEST) || error.message;
}

/** The commits among these records of `git rev-list --header` that have no signature. */
export function unsignedAmong(records: string): Sha[] {
  return records.split("\0").flatMap((record) => {
    const [id = ""] = record.split("\n", 1);
    const header = record.slice(id.length + 1).split("\n\n", 1)[0] ?? "";
    return IS_SIGNED.test(header) ? [] : (parseSha(id) ?? []);
  });
}

/**
 * Writes a signed commit for a person at a terminal, where the key may ask for its passphrase. `settings`
 * holds those of the key; default: of the configured one. Throws CannotSign.
 */
export async function signAsPerson(
  location: GitLocation,
  args: readonly string[],
  call: { readonly stdin: string; readonly env: Readonly<Record<string, string>> },
  settings?: readonly Setting[],
): Promise<Sha> {
  const key = settings ? { settings } : signingKey(location.settings);
  if ("problem" in key) throw new CannotSign(key.problem);
  const git = location.git.with({ settings: key.settings.map(([name, value]) => `${name}=${value}`) });
  try {
    const silenceMs = OWN_SIGNING.personMs;
    return requireSha(await git.text(["commit-tree", "-S", ...args], { ...call, silenceMs }));
  } catch (error) {
    if (error instanceof GitSilence) throw new CannotSign(MESSAGES.keySilent(error.message));
    if (error instanceof GitExit) throw new CannotSign(signingFailure(error), { cause: error });
    throw error;
  }
}
