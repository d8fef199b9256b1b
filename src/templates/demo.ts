/**
 * The repository of `trailhand demo`: a small calculator with tests, states, and requests.
 *
 * It needs no network and no model. The tests really run, and every failure in the demo is a failed test.
 */
import type { StarterFile } from "./starter.ts";

const file = (path: string, text: string): StarterFile => ({ path, text, executable: text.startsWith("#!") });

const WORKFLOW = `start: plan
limits:
  hops: 20
  concurrency: 3
lanes:
  integrate: 1

states:
  plan:
    description: writes the plan of the feature
    next: build
  build:
    description: writes the function and its test
    next: check
  check:
    description: runs the tests of the repository
    next: review
    retries: 0
    on-failure: repair
  repair:
    description: fixes the code after failed tests
    next: check
  review:
    description: decides by the size and the paths of the change
    next: [integrate, approve]
  approve:
    description: a person decides about risky changes
    human: true
    next: [integrate, build]
  integrate:
    description: merges main into the branch and runs the tests on the result
    lane: integrate
    next: [done, approve]
`;

const PLAN = `#!/bin/sh
# A state reads its environment and the request file. The body of the request is the prompt.
set -eu
mkdir -p plans
name=\${TRAILHAND_BRANCH#feat/}
printf '# %s\\n\\n%s\\n' "$TRAILHAND_SUBJECT" "$TRAILHAND_BODY" >"plans/$name.md"
echo "summary=Adds lib/$name.js and test/$name.test.js." >>"$TRAILHAND_OUTPUT"
`;

const BUILD = `#!/bin/sh
# Replaces a coding agent in this demo: it writes the code that the plan describes.
set -eu
name=\${TRAILHAND_BRANCH#feat/}
body=$(sed -n 's/^code: //p' "plans/$name.md")
expect=$(sed -n 's/^test: //p' "plans/$name.md")
mkdir -p lib test
cat >"lib/$name.js" <<END
export function $name(a, b) {
  return $body;
}
END
cat >"test/$name.test.js" <<END
import assert from "node:assert/strict";
import test from "node:test";
import { $name } from "../lib/$name.js";

test("$name", () => {
  $expect
});
END
git add lib test
git commit -q -m "feat: $name"
`;

const CHECK = `#!/bin/sh
set -eu
node --test test/*.test.js
echo "summary=All tests pass." >>"$TRAILHAND_OUTPUT"
`;

const REPAIR = `#!/bin/sh
# Replaces an agent that reads the failed test in the request and fixes the code.
set -eu
name=\${TRAILHAND_BRANCH#feat/}
sed -i.bak 's|^  return|  if (b === 0) throw new RangeError("division by zero");\\n  return|' "lib/$name.js"
rm "lib/$name.js.bak"
git commit -q -am "fix: $name rejects zero"
echo "summary=The test expects an error for zero, and the function now throws one." >>"$TRAILHAND_OUTPUT"
`;

const REVIEW = `#!/bin/sh
set -eu
changed=$(git diff --shortstat "refs/heads/$TRAILHAND_TARGET...HEAD" -- lib)
if git diff --name-only "refs/heads/$TRAILHAND_TARGET...HEAD" | grep -q '^lib/power'; then
  echo "state=approve" >>"$TRAILHAND_OUTPUT"
  echo "summary=Powers overflow quickly, so a person should decide:$changed." >>"$TRAILHAND_OUTPUT"
else
  echo "state=integrate" >>"$TRAILHAND_OUTPUT"
  echo "summary=Small and tested:$changed." >>"$TRAILHAND_OUTPUT"
fi
`;

const INTEGRATE = `#!/bin/sh
set -eu
git merge -q --no-edit "refs/heads/$TRAILHAND_TARGET"
node --test test/*.test.js
echo "state=done" >>"$TRAILHAND_OUTPUT"
echo "summary=Merged with $TRAILHAND_TARGET without conflicts; all tests pass." >>"$TRAILHAND_OUTPUT"
`;

/** The files of the trusted branch. */
export const DEMO_FILES: readonly StarterFile[] = [
  file(
    "package.json",
    '{ "name": "calculator", "type": "module", "scripts": { "test": "node --test test/*.test.js" } }\n',
  ),
  file("README.md", "# Calculator\n\nMade by `trailhand demo`.\n"),
  file("lib/add.js", "export function add(a, b) {\n  return a + b;\n}\n"),
  file(
    "test/add.test.js",
    'import assert from "node:assert/strict";\nimport test from "node:test";\nimport { add } from "../lib/add.js";\n\ntest("add", () => {\n  assert.equal(add(2, 3), 5);\n});\n',
  ),
  file("states/workflow.yml", WORKFLOW),
  file("states/plan", PLAN),
  file("states/build", BUILD),
  file("states/check", CHECK),
  file("states/repair", REPAIR),
  file("states/review", REVIEW),
  file("states/integrate", INTEGRATE),
];

/** A branch and its first request. */
export interface DemoRequest {
  readonly branch: string;
  readonly subject: string;
  readonly body: string;
}

const request = (name: string, what: string, code: string, test: string): DemoRequest => ({
  branch: `feat/${name}`,
  subject: `feat: ${what}`,
  body: `code: ${code}\ntest: ${test}`,
});

/** Four features: `divide` fails its test at first, and `power` waits for a person. */
export const DEMO_REQUESTS: readonly DemoRequest[] = [
  request("subtract", "subtract two numbers", "a - b", "assert.equal(subtract(5, 3), 2);"),
  request("multiply", "multiply two numbers", "a * b", "assert.equal(multiply(4, 3), 12);"),
  request("divide", "divide two numbers", "a / b", "assert.throws(() => divide(1, 0), RangeError);"),
  request("power", "raise a number to a power", "a ** b", "assert.equal(power(2, 10), 1024);"),
];
