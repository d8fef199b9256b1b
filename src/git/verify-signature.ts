/**
 * Reads who signed a commit.
 *
 * Invariants:
 * - Only a valid signature by a key of the given list counts, with the address in the list
 *   (ssh-keygen(1), ALLOWED SIGNERS). The person's own configuration does not matter.
 * - A program that the repository's configuration names does not verify: a script can write that
 *   configuration.
 */
import type { Sha } from "../core/protocol/ids.ts";
import type { Git } from "./git.ts";

const SSH_KEYGEN = "ssh-keygen";

/** The address of the signer; undefined: not signed by a key of the list. */
export async function readSigner(git: Git, commit: Sha, allowedSigners: string): Promise<string | undefined> {
  const strictGit = git.with({
    settings: [`gpg.ssh.allowedSignersFile=${allowedSigners}`, `gpg.ssh.program=${SSH_KEYGEN}`],
  });
  const args = ["log", "-1", "--format=%G?%x00%GS%x00%GF", "--end-of-options", commit, "--"];
  const [status, signer, key] = (await strictGit.text(args)).trimEnd().split("\0");
  // The person's key ring trusts GPG keys, not the list. Their ids look different.
  return status === "G" && key?.startsWith("SHA256:") ? signer?.toLowerCase() : undefined;
}
