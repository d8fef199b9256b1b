/**
 * Who signed a commit.
 *
 * What must hold: only a good signature by a key of the given list counts, with the address that the
 * list gives it (ssh-keygen(1), ALLOWED SIGNERS); the person's own configuration decides nothing.
 */
import type { Sha } from "../core/ids.ts";
import type { Git } from "./exec.ts";

/** The address of the signer; undefined: not signed, or not by a key of the list. */
export async function readSigner(git: Git, commit: Sha, allowedSigners: string): Promise<string | undefined> {
  const strict = git.with({ settings: [`gpg.ssh.allowedSignersFile=${allowedSigners}`] });
  const args = ["log", "-1", "--format=%G?%x00%GS%x00%GF", "--end-of-options", commit, "--"];
  const [good, signer, key] = (await strict.text(args)).trimEnd().split("\0");
  // A key of GPG is trusted by a person's own key ring, and not by the list: its id looks otherwise.
  return good === "G" && key?.startsWith("SHA256:") ? signer?.toLowerCase() : undefined;
}
