/**
 * Who signed a commit, and how a person signs one.
 *
 * What must hold: only a good signature by a key of the given list counts, with the address that the
 * list gives it (ssh-keygen(1), ALLOWED SIGNERS); the person's own configuration decides nothing of
 * that, and a program that a repository names neither checks nor signs: a script can write that.
 */
import type { Sha } from "../core/protocol/ids.ts";
import type { Git } from "./git.ts";
import type { ScopedSetting } from "./parse-output.ts";

const PROGRAM = "ssh-keygen";

/** The address of the signer; undefined: not signed, or not by a key of the list. */
export async function readSigner(git: Git, commit: Sha, allowedSigners: string): Promise<string | undefined> {
  const strict = git.with({
    settings: [`gpg.ssh.allowedSignersFile=${allowedSigners}`, `gpg.ssh.program=${PROGRAM}`],
  });
  const args = ["log", "-1", "--format=%G?%x00%GS%x00%GF", "--end-of-options", commit, "--"];
  const [good, signer, key] = (await strict.text(args)).trimEnd().split("\0");
  // A key of GPG is trusted by a person's own key ring, and not by the list: its id looks otherwise.
  return good === "G" && key?.startsWith("SHA256:") ? signer?.toLowerCase() : undefined;
}

/** The settings that sign as a person's configuration says; undefined: it names no ssh key. */
export function signingOf(settings: readonly ScopedSetting[]): string[] | undefined {
  const last = (wanted: string, all = settings) => all.findLast(({ key }) => key === wanted)?.value;
  const key = last("user.signingkey");
  if (!key || last("gpg.format") !== "ssh") return undefined;
  const own = settings.filter(({ scope }) => scope === "global" || scope === "system");
  const program = last("gpg.ssh.program", own) ?? PROGRAM;
  return ["gpg.format=ssh", `user.signingkey=${key}`, `gpg.ssh.program=${program}`];
}
