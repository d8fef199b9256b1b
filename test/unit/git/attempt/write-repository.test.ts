import { describe, expect, it } from "vitest";
import { git, temporaryDir } from "../../../support/temp-repo.ts";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { configText, copiedSettings, withoutSecrets } from "../../../../src/git/attempt/write-repository.ts";

describe("configText", () => {
  it.each([
    ["core.bare", "false"],
    ["user.name", 'Ann "the author" O\\Neil'],
    ["user.email", " spaces at both ends "],
    ["a.text", "line\nnext\ttab ; no comment # neither"],
    ["branch.a.b.merge", "refs/heads/a.b"],
    ['branch.q"uote\\.remote', "origin"],
    ["branch.größe/🦊.remote", "origin"],
    ["a.empty", ""],
  ])("is read by git as %s with the same value", (key, value) => {
    const file = join(temporaryDir(), "config");
    writeFileSync(file, configText([[key, value]]));
    expect(git("/", ["config", "--file", file, "--list", "-z"])).toBe(`${key}\n${value}\0`);
  });

  it("keeps the order of settings with the same name", () => {
    const file = join(temporaryDir(), "config");
    writeFileSync(
      file,
      configText([
        ["a.b", "1"],
        ["a.c", "2"],
        ["a.b", "3"],
      ]),
    );
    expect(git("/", ["config", "--file", file, "--get-all", "a.b"])).toBe("1\n3\n");
  });
});

describe("withoutSecrets", () => {
  it.each([
    ["https://ann:hunter2@example.com/a.git", "https://example.com/a.git"],
    ["https://token@example.com/a.git", "https://example.com/a.git"],
    ["https://example.com/a.git?token=x#y", "https://example.com/a.git"],
    ["https://ann:p%40ss@example.com:8443/a.git", "https://example.com:8443/a.git"],
    ["ssh://git:hunter2@example.com/a.git", "ssh://git@example.com/a.git"],
    ["ssh://git@example.com:22/a.git", "ssh://git@example.com:22/a.git"],
    ["git@example.com:a.git", "git@example.com:a.git"],
    ["/srv/a.git", "/srv/a.git"],
    ["../a.git", "../a.git"],
    ["http://ann:x@[bad/a.git?token=x", "http://[bad/a.git"],
  ])("makes %s to %s", (address, expected) => {
    expect(withoutSecrets(address)).toBe(expected);
  });
});

describe("copiedSettings", () => {
  it.each([
    "core.autocrlf",
    "core.filemode",
    "merge.conflictstyle",
    "i18n.commitencoding",
    "trailhand.target",
    "remote.origin.fetch",
    "remote.a.b.url",
  ])("copies %s", (key) => {
    expect(copiedSettings([[key, "value"]])).toEqual([[key, "value"]]);
  });

  it.each([
    "core.sshcommand",
    "core.fsmonitor",
    "core.hookspath",
    "core.bare",
    "core.worktree",
    "credential.helper",
    "http.extraheader",
    "http.https://example.com/.extraheader",
    "url.https://x@example.com/.insteadof",
    "filter.lfs.clean",
    "gpg.program",
    "include.path",
    "remote.origin.uploadpack",
    "remote.origin.vcs",
    "remote.origin.proxy",
    "user.signingkey",
    "alias.x",
  ])("leaves out %s", (key) => {
    expect(copiedSettings([[key, "value"]])).toEqual([]);
  });

  it("takes secrets out of addresses", () => {
    expect(copiedSettings([["remote.origin.pushurl", "https://a:b@example.com/"]])).toEqual([
      ["remote.origin.pushurl", "https://example.com/"],
    ]);
  });
});
