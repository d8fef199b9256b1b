/** The states that `trailhand init` writes: they work in any repository and need no AI. */
/** A file to write; `path` is relative to the top of the repository. */
export interface StarterFile {
  readonly path: string;
  readonly text: string;
  readonly executable: boolean;
}

const WORKFLOW = `# Which state may follow which. Each state is an executable in this folder, or a person.
# To draw it: trailhand graph

start: check
limits:
  hops: 30

states:
  check:
    description: runs the tests of the repository
    next: review
    timeout: 20m
    retries: 0

  review:
    description: a person reads the change and requests integrate, or check again
    human: true
    next: [integrate, check]

  integrate:
    description: merges the trusted branch into this one and checks the result
    next: [done, review]
    timeout: 20m
    retries: 1
`;

const CHECK = `#!/bin/sh
# Runs the tests of this repository. Exit 0: they passed. Any other code: they failed.
set -eu

summarize() { echo "summary=$1" >>"$TRAILHAND_OUTPUT"; }

if git grep -nE '^(<<<<<<<|>>>>>>>) ' -- . ':!*.md'; then
  echo "the files above contain conflict markers" >&2
  exit 1
fi

if [ -f Makefile ] && grep -q '^test:' Makefile; then
  make test
  summarize "make test passed"
elif [ -f package.json ] && grep -q '"test":' package.json; then
  # Files that a state leaves are committed, so installed packages are removed unless git ignores them.
  [ -d node_modules ] || git check-ignore -q node_modules/ || trap 'rm -rf node_modules' EXIT
  if [ -d node_modules ]; then :
  elif [ -f package-lock.json ]; then npm ci --no-audit --no-fund
  elif grep -qi 'dependencies":' package.json; then npm install --no-package-lock --no-audit --no-fund
  fi
  npm test
  summarize "npm test passed"
elif [ -f Cargo.toml ]; then
  cargo test
  summarize "cargo test passed"
elif [ -f go.mod ]; then
  go test ./...
  summarize "go test passed"
elif [ -f pyproject.toml ] || [ -f pytest.ini ] || [ -f setup.cfg ]; then
  python3 -m pytest
  summarize "pytest passed"
else
  summarize "no conflict markers; states/check found no tests to run"
fi
`;

const INTEGRATE = `#!/bin/sh
# Merges the trusted branch into this one and checks exactly the result. A person, or the host, moves the
# trusted branch afterwards.
set -eu

if ! git merge --no-edit "refs/heads/$TRAILHAND_TARGET" >&2; then
  {
    echo "state=review"
    echo "subject=trailhand: integrate found a conflict, review is next"
    echo "summary<<END_OF_SUMMARY"
    echo "These files conflict with $TRAILHAND_TARGET:"
    git diff --name-only --diff-filter=U | sed 's/^/- /'
    echo "END_OF_SUMMARY"
  } >>"$TRAILHAND_OUTPUT"
  git merge --abort
  exit 0
fi

checked="$TRAILHAND_OUTPUT.check"
TRAILHAND_OUTPUT="$checked" "$TRAILHAND_STATES/states/check"
rm -f "$checked"

{
  echo "state=done"
  echo "summary=Merged with $TRAILHAND_TARGET and checked. To finish: git switch $TRAILHAND_TARGET && git merge --ff-only $TRAILHAND_BRANCH"
} >>"$TRAILHAND_OUTPUT"
`;

export const STARTER: readonly StarterFile[] = [
  { path: "states/workflow.yml", text: WORKFLOW, executable: false },
  { path: "states/check", text: CHECK, executable: true },
  { path: "states/integrate", text: INTEGRATE, executable: true },
];
