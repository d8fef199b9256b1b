/** Folders of attempts are removed by a process that outlives the runner. */
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Remover } from "../../../src/git/attempt/remover.ts";
import { BackgroundRemover } from "../../../src/process/background-remover.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { until } from "../../support/until.ts";

/** A remover, and the folder that it removes from. */
function makeRemover(): { remover: Remover; root: string; trash: string } {
  const root = temporaryDir();
  const trash = join(root, "trash");
  const background = new BackgroundRemover(trash);
  const remover = new Remover(
    { trash, removeLater: (name) => background.remove(name) },
    join(root, "runner-1"),
  );
  return { remover, root, trash };
}

function makeFolder(root: string, name: string): string {
  const folder = join(root, name);
  mkdirSync(join(folder, "a", "b"), { recursive: true });
  writeFileSync(join(folder, "a", "b", "file"), "content\n");
  return folder;
}

const isEmpty = (folder: string): boolean => existsSync(folder) && readdirSync(folder).length === 0;

describe("removing a folder", () => {
  it("frees its path at once, and removes the files later", async () => {
    const { remover, root, trash } = makeRemover();
    const folder = makeFolder(root, "first");
    remover.remove(folder);
    expect(existsSync(folder)).toBe(false);
    await until("an empty trash", () => isEmpty(trash));
  });

  it("removes read-only folders, and names that look like options", async () => {
    const { remover, root, trash } = makeRemover();
    const folder = makeFolder(root, "first");
    mkdirSync(join(folder, "-rf"));
    for (const path of ["a/b", "a", "-rf"]) chmodSync(join(folder, path), 0o500);
    remover.remove(folder);
    remover.remove(makeFolder(root, "second"));
    await until("an empty trash", () => isEmpty(trash));
  });

  it("does nothing for a folder that does not exist", () => {
    const { remover, root, trash } = makeRemover();
    remover.remove(join(root, "missing"));
    expect(existsSync(trash)).toBe(false);
  });

  it("goes on with what a killed process left", async () => {
    const { remover, root, trash } = makeRemover();
    mkdirSync(trash);
    makeFolder(trash, "runner-0-7");
    remover.resume();
    await until("an empty trash", () => isEmpty(trash));
    expect(readdirSync(root)).toEqual(["trash"]);
  });
});
