/** Every pack is whole: a clean workflow, a page that fits on a screen, and a test of its own. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contractOf, filesOf, packRepo, PACKS, ROOT } from "./support.ts";

const packs = readdirSync(PACKS).toSorted();

describe.each(packs)("the pack %s", (pack) => {
  const folder = join(PACKS, pack);

  it("has a workflow without problems, once it is installed", async () => {
    const contract = await contractOf(packRepo(pack));
    expect(contract.problems).toEqual([]);
    expect(contract.workflow.open).toBe(false);
    // A script that no state names is a mistake in a pack.
    expect([...contract.scripts.keys()].toSorted()).toEqual(
      Object.entries(contract.workflow.states)
        .flatMap(([name, state]) => (state.human ? [] : [name]))
        .toSorted(),
    );
  });

  it("has a page with one drawing and one command", () => {
    const page = readFileSync(join(folder, "README.md"), "utf8");
    expect(page.split("\n").length).toBeLessThanOrEqual(60);
    expect(page.match(/^```mermaid\nstateDiagram-v2$/gm)).toHaveLength(1);
    const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map((match) => match[1]?.trim());
    expect(commands).toHaveLength(1);
    expect(commands[0]).toMatch(/^[^\n]*\btrailhand [^\n]*$/);
  });

  it("draws the states of its workflow, and no others", () => {
    const page = readFileSync(join(folder, "README.md"), "utf8");
    const drawing = /^```mermaid\n([\s\S]*?)^```$/m.exec(page)?.[1] ?? "";
    const drawn = [...drawing.matchAll(/^ +(\S+) --> (\S+?)(?::|$)/gm)].flatMap(([, from, to]) => [from, to]);
    const workflow = readFileSync(join(folder, "workflow.yml"), "utf8");
    const declared = [...workflow.matchAll(/^ {2}([a-z][a-z-]*):$/gm)].map((match) => match[1] ?? "");
    const names = new Set(
      drawn.flatMap((name) => (name === undefined || name === "[*]" ? [] : [name.replaceAll("_", "-")])),
    );
    expect([...names].toSorted()).toEqual(declared.filter((name) => name !== "hops").toSorted());
  });

  it("has scripts for any POSIX shell, and shares its library with the others", () => {
    const scripts = filesOf(folder).filter((path) => (statSync(join(folder, path)).mode & 0o111) !== 0);
    expect(scripts.length).toBeGreaterThan(0);
    for (const path of scripts) expect(readFileSync(join(folder, path), "utf8")).toMatch(/^#!\/bin\/sh\n# /);
    const library = readFileSync(join(folder, "lib/trailhand.sh"), "utf8");
    expect(library).toBe(readFileSync(join(ROOT, "states/lib/trailhand.sh"), "utf8"));
  });

  it("has a test from end to end", () => {
    expect(existsSync(join(ROOT, "test/packs", `${pack}.test.ts`))).toBe(true);
  });
});
