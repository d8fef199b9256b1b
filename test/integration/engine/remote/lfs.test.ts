/** git-lfs at a remote: the runner fetches content before a checkout, and sends that of responses. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  ask,
  makeRemote,
  makeRunner,
  sideRefs,
  trailerOf,
  type Stage,
} from "../../../support/bare-remote.ts";
import { oidOf, serveLfs } from "../../../support/lfs-server.ts";

const OLD = "the old large content\n";
const NEW = "the new large content\n";
const WRITE = `printf '${NEW.replace("\n", "\\n")}' > a.bin`;

/** The configuration that `git lfs install` writes. */
const INSTALLED = `[filter "lfs"]
	clean = git-lfs clean -- %f
	smudge = git-lfs smudge -- %f
	process = git-lfs filter-process
	required = true
`;

/** A remote whose `main` has `a.bin`, and whose trusted .lfsconfig has this text. */
function makeLfsRemote(script: string, lfsconfig = ""): Stage {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(OLD)}\nsize ${OLD.length}\n`;
  const stage = makeRemote({
    "states/workflow.yml": "filters: [lfs]\nstates:\n  work: { next: done, retries: 0 }\n",
    "states/work": `#!/bin/sh\nset -e\n${script}\n`,
    ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    "a.bin": pointer,
    ...(lfsconfig === "" ? {} : { ".lfsconfig": lfsconfig }),
  });
  const config = join(stage.outside, "gitconfig");
  writeFileSync(config, INSTALLED);
  return {
    ...stage,
    machine: (name) => ({ ...stage.machine(name), GIT_CONFIG_GLOBAL: config }),
  };
}

async function runAsked(stage: Stage): Promise<void> {
  ask(stage, "topic", "feat: a thing\n\nPlease.\n\nState: work\n");
  const { summary, events } = await (await makeRunner(stage, "one")).run();
  expect(summary.faultCount, JSON.stringify(events)).toBe(0);
}

const stateOf = (stage: Stage) => trailerOf(stage, "topic", "State");
const messageOf = ({ remote }: Stage) => remote.git("log", "-1", "--format=%B", "topic");

test.each([
  ["leaves", WRITE],
  ["commits", `${WRITE}; git commit -qam large`],
])("content that a script %s reaches the LFS server that the trusted branch names", async (_, script) => {
  const server = await serveLfs();
  server.objects.set(oidOf(OLD), Buffer.from(OLD));
  const stage = makeLfsRemote(`grep -q 'old large' a.bin; ${script}`, `[lfs]\n\turl = ${server.url}\n`);
  await runAsked(stage);
  expect(stateOf(stage), messageOf(stage)).toBe("done");
  expect(stage.remote.git("show", "topic:a.bin")).toContain(oidOf(NEW));
  expect(server.objects.get(oidOf(NEW))?.toString()).toBe(NEW);
});

test("the .lfsconfig of a worked branch chooses no server", async () => {
  const [server, evil] = [await serveLfs(), await serveLfs()];
  server.objects.set(oidOf(OLD), Buffer.from(OLD));
  const stage = makeLfsRemote(WRITE, `[lfs]\n\turl = ${server.url}\n`);
  const { person } = stage;
  person.git("checkout", "-q", "-b", "topic");
  person.write(".lfsconfig", `[lfs]\n\turl = ${evil.url}\n\tpushurl = ${evil.url}\n`);
  person.git("commit", "-qam", "another server\n\nState: work");
  person.git("push", "-q", "origin", "topic");
  const { summary } = await (await makeRunner(stage, "one")).run();
  expect(summary.faultCount).toBe(0);
  expect(stateOf(stage), messageOf(stage)).toBe("done");
  expect(evil.asked).toEqual([]);
  expect(server.asked).toEqual(["download", "upload"]);
});

test("content reaches a remote that is a folder", async () => {
  const stage = makeLfsRemote(WRITE);
  const { remote } = stage;
  const place = (content: string) => {
    const oid = oidOf(content);
    return `lfs/objects/${oid.slice(0, 2)}/${oid.slice(2, 4)}/${oid}`;
  };
  remote.write(place(OLD), OLD);
  await runAsked(stage);
  expect(stateOf(stage), messageOf(stage)).toBe("done");
  expect(readFileSync(join(remote.dir, place(NEW)), "utf8")).toBe(NEW);
});

test("a server that refuses fails the attempt with its words", async () => {
  const server = await serveLfs();
  server.objects.set(oidOf(OLD), Buffer.from(OLD));
  server.refuse();
  const stage = makeLfsRemote(WRITE, `[lfs]\n\turl = ${server.url}\n`);
  await runAsked(stage);
  expect(stateOf(stage)).toBe("failed");
  expect(messageOf(stage)).toContain("could not be sent to the remote");
  expect(messageOf(stage)).toContain("the quota of this repository is used up");
  expect(sideRefs(stage, "salvage")).toHaveLength(1);
});

test("a failed script's content is sent with its salvage", async () => {
  const server = await serveLfs();
  server.objects.set(oidOf(OLD), Buffer.from(OLD));
  const stage = makeLfsRemote(`${WRITE}; exit 1`, `[lfs]\n\turl = ${server.url}\n`);
  await runAsked(stage);
  const [salvage = ""] = sideRefs(stage, "salvage");
  expect(stage.remote.git("show", `${salvage}:a.bin`)).toContain(oidOf(NEW));
  expect(server.objects.has(oidOf(NEW))).toBe(true);
});

test("nothing is fetched or sent where no filter is allowed", async () => {
  const server = await serveLfs();
  const stage = makeLfsRemote("echo x > x.txt", `[lfs]\n\turl = ${server.url}\n`);
  stage.person.write("states/workflow.yml", "states:\n  work: { next: done, retries: 0 }\n");
  stage.person.git("commit", "-qam", "allow no filter");
  stage.person.git("push", "-q", "origin", "main");
  await runAsked(stage);
  expect(stateOf(stage), messageOf(stage)).toBe("done");
  expect(server.asked).toEqual([]);
});
