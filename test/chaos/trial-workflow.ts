/**
 * The workflow of a trial, and the script of its states.
 *
 * Invariants:
 * - Every execution is recorded outside git, with its request and run, before it changes anything.
 * - Seed, branch, state and the number of earlier executions decide what a script does.
 */

/** The capacity of each limited lane. */
export const CAPACITY: ReadonlyMap<string, number> = new Map([["narrow", 2]]);
/** States with a script. */
export const RUNNER_STATES: ReadonlySet<string> = new Set(["plan", "build", "check"]);

const WORKFLOW = `start: plan
limits: { hops: 40 }
lanes: { narrow: ${CAPACITY.get("narrow")} }
states:
  plan: { next: build, retries: 6, backoff: 200ms, timeout: 1m }
  build: { next: check, lane: narrow, retries: 6, backoff: 200ms, timeout: 1m }
  check: { next: done, retries: 2, backoff: 200ms, timeout: 1m, on-failure: build }
`;

/** `folder` is the folder of the executions log. */
const script = (folder: string, seed: number): string => `#!/bin/sh
record='${folder}/executions'
say() { printf '%s\\n' "$*" >> "$record"; }
now() { date +%s%3N; }
tried=$(grep -c "^start .* $TRAILHAND_COMMIT " "$record")
machine=$(basename "$(dirname "$XDG_CACHE_HOME")")
say "start $(now) $machine $TRAILHAND_COMMIT $TRAILHAND_RUN $TRAILHAND_STATE $TRAILHAND_BRANCH"
draw() { printf '%s' "${seed} $TRAILHAND_BRANCH $TRAILHAND_STATE $tried $1" | cksum | cut -d' ' -f1; }
fate=$(($(draw fate) % 100))
half=$(printf '0.%03d' $((($(draw time) % 551 + 50) / 2)))
mkdir -p work
echo "$TRAILHAND_STATE $TRAILHAND_RUN" >> "work/$TRAILHAND_STATE.txt"
say "left $(now) $TRAILHAND_RUN"
sleep "$half"
if [ $((fate % 2)) = 0 ]; then
  git add -A
  git commit -q -m "work: $TRAILHAND_STATE of $TRAILHAND_BRANCH" || true
  echo "after the commit" >> "work/$TRAILHAND_STATE.txt"
fi
sleep "$half"
code=0
if [ $fate -lt 10 ]; then code=1; fi
if [ $fate -gt 92 ]; then
  echo "retry-after=1" >> "$TRAILHAND_OUTPUT"
  code=75
fi
say "end $(now) $TRAILHAND_RUN $code"
exit $code
`;

/** The files of the trusted branch, by path. */
export function workflowFiles(folder: string, seed: number): ReadonlyMap<string, string> {
  const text = script(folder, seed);
  return new Map([
    ["states/workflow.yml", WORKFLOW],
    ...[...RUNNER_STATES].map((state) => [`states/${state}`, text] as const),
  ]);
}
