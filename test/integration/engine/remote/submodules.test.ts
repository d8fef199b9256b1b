/** Submodules of a remote: their relative addresses start at it, and the runner needs no clone of a person. */
import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";
import { ask, makeRemote, makeRunner, trailerOf } from "../../../support/bare-remote.ts";
import { serveGit } from "../../../support/git-http.ts";
import { git, makeRepo } from "../../../support/temp-repo.ts";

test("a relative submodule is fetched from beside the remote, with the credentials for the remote", async () => {
  const stage = makeRemote({
    "states/workflow.yml": "submodules: true\nstates:\n  work: { next: done, retries: 0 }\n",
    "states/work": "#!/bin/sh\nset -e\ncp vendor/lib.txt $OUT/lib\necho x > x.txt\n",
    ".gitmodules": '[submodule "vendor"]\n\tpath = vendor\n\turl = ../lib.git\n',
  });
  const { person, remote } = stage;
  const library = makeRepo({ "lib.txt": "lib\n" });
  git(library.dir, ["clone", "-q", "--bare", library.dir, join(dirname(remote.dir), "lib.git")]);
  person.git("update-index", "--add", "--cacheinfo", `160000,${library.git("rev-parse", "HEAD")},vendor`);
  person.git("commit", "-qm", "add a submodule");
  person.git("push", "-q", "origin", "main");
  const server = await serveGit(dirname(remote.dir), "ann:secret");
  person.git("config", "remote.origin.url", server.url(basename(remote.dir), "ann:secret"));
  ask(stage, "topic", "feat: a thing\n\nPlease.\n\nState: work\n");
  const { summary, events } = await (await makeRunner(stage, "one")).run();
  expect(summary.faultCount, JSON.stringify(events)).toBe(0);
  expect(trailerOf(stage, "topic", "State"), remote.git("log", "-1", "--format=%B", "topic")).toBe("done");
  expect(readFileSync(join(stage.outside, "lib"), "utf8")).toBe("lib\n");
  expect(remote.git("diff", "--name-only", "topic~1", "topic")).toBe("x.txt");
});
