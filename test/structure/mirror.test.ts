/** Each test of one module has the path of the module that it tests. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SUFFIX = ".test.ts";

it.each(["unit", "property"])("test/%s mirrors src name by name", (kind) => {
  const folder = join(ROOT, "test", kind);
  const tests = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  expect(tests.length).toBeGreaterThan(0);
  const strays = tests.filter(
    (path) => !path.endsWith(SUFFIX) || !existsSync(join(ROOT, "src", `${path.slice(0, -SUFFIX.length)}.ts`)),
  );
  expect(strays).toEqual([]);
});
