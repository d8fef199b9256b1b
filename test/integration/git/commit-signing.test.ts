/** Signatures with a real GPG, and programs that fail, hang, or are named by the repository. */
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { CannotSign } from "../../../src/core/messages/messages.ts";
import type { Sha } from "../../../src/core/protocol/ids.ts";
import { CommitSigning } from "../../../src/git/commit-signing.ts";
import { cleanEnv, Git } from "../../../src/git/git.ts";
import { identityVariables } from "../../../src/git/open-repository.ts";
import { openLocation } from "../../../src/git/open-repository.ts";
import { isVerified, makeGpgHome, SIGNER } from "../../support/signing-keys.ts";
import { makeRepo, temporaryDir, type Repo } from "../../support/temp-repo.ts";

const RUNNER = { name: "The Runner", email: SIGNER };
const IDENTITY = identityVariables(RUNNER, RUNNER);
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

/** Signs the head of a repository, whose person has this global configuration. */
async function prepare(repo: Repo, globalConfig: string, env: Record<string, string> = {}, limitMs?: number) {
  const global = join(temporaryDir(), "gitconfig");
  writeFileSync(global, globalConfig);
  const git = new Git({
    dir: repo.dir,
    env: cleanEnv({ ...process.env, ...env, GIT_CONFIG_GLOBAL: global }),
  });
  const signing = new CommitSigning(await openLocation(git), join(temporaryDir(), "unsigned"), limitMs);
  signing.isRequired = true;
  const head = repo.git("rev-parse", "HEAD") as Sha;
  signing.recordWritten(head);
  return { sign: () => signing.sign(head), problem: () => signing.problem(IDENTITY), head };
}

/** A signing program; it gets the arguments of gpg. */
function program(text: string): string {
  const file = join(temporaryDir(), "program");
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

function gpgHome(passphrase: string): string {
  const { home, stop } = makeGpgHome(passphrase);
  stops.push(stop);
  return home;
}

describe("GPG", () => {
  it("signs with the named key, and keeps the rest of the commit", async () => {
    const repo = makeRepo({ file: "text\n" });
    const GNUPGHOME = gpgHome("");
    const { sign, problem, head } = await prepare(repo, `[user]\n\tsigningKey = ${SIGNER}\n`, { GNUPGHOME });
    const before = repo.git("count-objects");
    expect(await problem()).toBeUndefined();
    expect(repo.git("count-objects")).toBe(before);
    const signed = await sign();
    expect(signed).not.toBe(head);
    const content = (commit: string) =>
      repo.git("log", "-1", "--format=%T %P %an %ae %ai %cn %ce %ci %B", commit);
    expect(content(signed)).toBe(content(head));
    process.env["GNUPGHOME"] = GNUPGHOME;
    try {
      expect(isVerified(repo, signed)).toBe(true);
    } finally {
      delete process.env["GNUPGHOME"];
    }
  });

  it("fails at once for a key whose passphrase is unknown to its agent", async () => {
    const GNUPGHOME = gpgHome("a secret word");
    const { sign, problem } = await prepare(makeRepo(), `[user]\n\tsigningKey = ${SIGNER}\n`, { GNUPGHOME });
    expect(await problem()).toMatch(/gpg failed to sign the data.*gpg/);
    await expect(sign()).rejects.toThrow(CannotSign);
  });

  it("fails for a key that is not there, with the words of gpg or the command that shows them", async () => {
    const { problem } = await prepare(makeRepo(), "[user]\n\tsigningKey = missing@example.com\n", {
      GNUPGHOME: gpgHome(""),
    });
    expect(await problem()).toMatch(/No secret key|echo test \| gpg -bsau/);
  });
});

describe("signing programs", () => {
  const configured = (file: string, key = "gpg.program") =>
    `[user]\n\tsigningKey = x\n[gpg${key.startsWith("gpg.ssh") ? ' "ssh"' : ""}]\n\tprogram = ${file}\n`;

  it("that hang are ended with everything that they started", async () => {
    const alive = join(temporaryDir(), "alive");
    const file = program(`(sleep 2; touch ${alive}) &\nsleep 600`);
    const { sign, problem } = await prepare(makeRepo(), configured(file), {}, 500);
    expect(await problem()).toMatch(/took more than 0.5 s\. If the key has a passphrase, unlock it/);
    await expect(sign()).rejects.toThrow("A commit could not be signed: git commit-tree was stopped");
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(existsSync(alive)).toBe(false);
  });

  it("that fail are quoted, and a program without a signature counts as failed", async () => {
    const ssh = configured(program("echo 'no card in the reader' >&2; exit 2"), "gpg.ssh.program");
    const failing = await prepare(makeRepo(), `${ssh}[gpg]\n\tformat = ssh\n`);
    expect(await failing.problem()).toMatch(/no card in the reader/);
    const empty = await prepare(makeRepo(), configured(program("cat > /dev/null")));
    expect(await empty.problem()).toMatch(/gpg failed to sign the data/);
  });

  it("have no terminal and none of the runner's secrets", async () => {
    const seen = join(temporaryDir(), "seen");
    const file = program(`env > ${seen}; (: < /dev/tty) 2>/dev/null && echo TERMINAL >> ${seen}; exit 1`);
    const env = { GITHUB_TOKEN: "secret", DISPLAY: ":0", SSH_ASKPASS: "/bin/askpass" };
    const { problem } = await prepare(makeRepo(), configured(file), env);
    expect(await problem()).toBeDefined();
    expect(readFileSync(seen, "utf8")).not.toMatch(/^(?:GITHUB_TOKEN|DISPLAY|SSH_ASKPASS|TERMINAL)\b(?!_)/m);
  });

  it.each([
    ["gpg.program", "openpgp"],
    ["gpg.openpgp.program", "openpgp"],
    ["gpg.ssh.program", "ssh"],
    ["gpg.x509.program", "x509"],
    ["gpg.ssh.defaultKeyCommand", "ssh"],
  ])("that the repository's own configuration names as %s do not run", async (key, format) => {
    const ran = join(temporaryDir(), "ran");
    const repo = makeRepo();
    repo.git("config", key, program(`touch ${ran}; exit 1`));
    repo.git("config", "gpg.format", format);
    const named = key.endsWith("Command") ? "" : "[user]\n\tsigningKey = x\n";
    const { problem } = await prepare(repo, named, { GNUPGHOME: temporaryDir() });
    expect(await problem()).toBeDefined();
    expect(existsSync(ran)).toBe(false);
  });
});
