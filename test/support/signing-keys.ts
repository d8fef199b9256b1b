/** Keys that sign commits, a configuration of git that uses one, and a remote that accepts nothing else. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeKey, type Key } from "./person-commits.ts";
import { temporaryDir, type Repo } from "./temp-repo.ts";

export const SIGNER = "runner@example.com";

/** Makes git in a repository sign with an ssh key, and verify its signatures. */
export function useSshKey(repo: Repo, key: Key = makeKey("signer")): Key {
  repo.git("config", "gpg.format", "ssh");
  repo.git("config", "user.signingKey", key.file);
  trust(repo, key);
  return key;
}

/** Makes git in a repository accept signatures of a key. */
export function trust(repo: Repo, key: Key): void {
  const list = join(temporaryDir(), "allowed");
  writeFileSync(list, key.allowed(SIGNER));
  repo.git("config", "gpg.ssh.allowedSignersFile", list);
}

/** True when git can verify the signature of a commit. */
export function isVerified(repo: Repo, commit: string): boolean {
  try {
    repo.git("verify-commit", commit);
    return true;
  } catch {
    return false;
  }
}

const HOOK = `#!/bin/sh
while read -r old new ref; do
  case $ref in refs/heads/*) ;; *) continue ;; esac
  case $new in *[!0]*) ;; *) continue ;; esac
  for commit in $(git rev-list "$new" --not --branches); do
    git verify-commit "$commit" 2>/dev/null || { echo "no signature on $commit" >&2; exit 1; }
  done
done
`;

/** Makes a bare repository refuse commits on branches whose signature it cannot verify. */
export function refuseUnsigned(remote: Repo, key: Key): void {
  trust(remote, key);
  const hooks = join(remote.dir, "hooks");
  mkdirSync(hooks, { recursive: true });
  writeFileSync(join(hooks, "pre-receive"), HOOK);
  chmodSync(join(hooks, "pre-receive"), 0o755);
}

/** The home of a new GPG key. Its path is short, because the agent's socket is below it. */
export function makeGpgHome(passphrase: string): { readonly home: string; readonly stop: () => void } {
  const home = mkdtempSync(join(tmpdir(), "gpg-"));
  chmodSync(home, 0o700);
  // The agent would measure for seconds how long it may take to derive a key from a passphrase.
  writeFileSync(join(home, "gpg-agent.conf"), "s2k-count 65536\n");
  const env = { ...process.env, GNUPGHOME: home };
  const options = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase];
  const key = ["--quick-generate-key", SIGNER, "ed25519", "sign", "never"];
  execFileSync("gpg", [...options, ...key], { env, stdio: ["ignore", "pipe", "pipe"] });
  const gpgconf = (...args: string[]) => execFileSync("gpgconf", args, { env, stdio: "ignore" });
  // The agent would remember the passphrase from the making of the key.
  gpgconf("--kill", "gpg-agent");
  return { home, stop: () => gpgconf("--kill", "gpg-agent") };
}
