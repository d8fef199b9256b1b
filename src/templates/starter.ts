/**
 * The states that `trailhand init` writes: useful in any repository, without any AI.
 *
 * What must hold: POSIX sh; hostile text is used only inside quotes; each says in its summary what
 * it did, because the summary is what people read in the history.
 */
export interface StarterFile {
  readonly path: string;
  readonly text: string;
  readonly executable: boolean;
}

const WORKFLOW = `# Who may follow whom. Each state is an executable in this folder, or a person.
# Drawn by: trailhand graph

start: check
limits:
  hops: 30

states:
  check:
    description: runs the repository's own tests
    next: review
    timeout: 20m
    retries: 0

  review:
    description: a person reads the change and asks for integrate, or for check again
    human: true
    next: [integrate, check]

  integrate:
    description: merges the trusted branch in and checks exactly what would land
    next: [done, review]
    timeout: 20m
    retries: 1
`;

const CHECK = `#!/bin/sh
# Runs the tests that this repository has. Exit 0: they passed. Anything else: they did not.
set -eu

say() { echo "summary=$1" >>"$TRAILHAND_OUTPUT"; }

if git grep -nE '^(<<<<<<<|>>>>>>>) ' -- . ':!*.md'; then
  echo "conflict markers are left in the files above" >&2
  exit 1
fi

if [ -f Makefile ] && grep -q '^test:' Makefile; then
  make test
  say "make test passed"
elif [ -f package.json ] && grep -q '"test":' package.json; then
  # What a state leaves behind is committed, so packages that git does not ignore are removed again.
  [ -d node_modules ] || git check-ignore -q node_modules/ || trap 'rm -rf node_modules' EXIT
  if [ -d node_modules ]; then :
  elif [ -f package-lock.json ]; then npm ci --no-audit --no-fund
  elif grep -qi 'dependencies":' package.json; then npm install --no-package-lock --no-audit --no-fund
  fi
  npm test
  say "npm test passed"
elif [ -f Cargo.toml ]; then
  cargo test
  say "cargo test passed"
elif [ -f go.mod ]; then
  go test ./...
  say "go test passed"
elif [ -f pyproject.toml ] || [ -f pytest.ini ] || [ -f setup.cfg ]; then
  python3 -m pytest
  say "pytest passed"
else
  say "no conflict markers; this repository has no tests that states/check knows"
fi
`;

const INTEGRATE = `#!/bin/sh
# Merges the trusted branch into this one and checks the result: exactly what would land.
# Moving the trusted branch itself is left to a person, or to the protection rules of a host.
set -eu

if ! git merge --no-edit "refs/heads/$TRAILHAND_TARGET" >&2; then
  {
    echo "state=review"
    echo "subject=trailhand: integrate met a conflict, review is next"
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
  echo "summary=Checked together with $TRAILHAND_TARGET. To land it: git switch $TRAILHAND_TARGET && git merge --ff-only $TRAILHAND_BRANCH"
} >>"$TRAILHAND_OUTPUT"
`;

export const STARTER: readonly StarterFile[] = [
  { path: "states/workflow.yml", text: WORKFLOW, executable: false },
  { path: "states/check", text: CHECK, executable: true },
  { path: "states/integrate", text: INTEGRATE, executable: true },
];
