/**
 * Whose turn it is on a branch, and the sentence that says why.
 *
 * What must hold: every reason code has its sentence; where a person can do something, the command
 * stands beside it.
 */
import type { Decision, DecisionReason } from "./decide.ts";
import { formatDuration } from "../util/duration.ts";
import { quoted, shellWord } from "../messages/messages.ts";

export type Turn = "runner" | "person" | "nobody";

export interface Reason {
  readonly turn: Turn;
  readonly sentence: string;
  /** The command that goes on. */
  readonly next?: string;
}

/** What `status` says of a decision. `wallNow` is in milliseconds since 1970. */
export function reasonOf(decision: Decision, wallNow: number): Reason {
  const { branch } = decision.head;
  switch (decision.kind) {
    case "run": {
      const { knownAnswer: decided } = decision;
      if (decided) {
        const sentence = `ready to be answered ${decided.state}: ${decided.why}`;
        return { turn: "runner", sentence, next: "trailhand run" };
      }
      const again = decision.attempt > 1 ? `, attempt ${decision.attempt}` : "";
      return { turn: "runner", sentence: `ready to run${again}`, next: "trailhand run" };
    }
    case "land":
      return {
        turn: "runner",
        sentence: "its answer is finished and waits to be put here",
        next: "trailhand run",
      };
    case "expire":
      return { turn: "runner", sentence: "a lease that nobody holds is removed", next: "trailhand run" };
    default:
      return reasonOfWhy(decision.why, branch, wallNow);
  }
}

function reasonOfWhy(why: DecisionReason, branch: string, wallNow: number): Reason {
  const runner = (sentence: string): Reason => ({ turn: "runner", sentence });
  const person = (sentence: string, next?: string): Reason =>
    next === undefined ? { turn: "person", sentence } : { turn: "person", sentence, next };
  const nobody = (sentence: string): Reason => ({ turn: "nobody", sentence });
  const request = `trailhand request <state> --branch ${shellWord(branch)}`;
  const resume = `trailhand resume ${shellWord(branch)}`;
  switch (why.code) {
    case "target":
      return nobody("the trusted branch is not worked on");
    case "not-listed":
      return nobody("the workflow's `branches` leave it out");
    case "no-state":
      return nobody("no state is asked for");
    case "merge":
      return nobody("a merge commit asks for nothing");
    case "bound-elsewhere":
      return nobody(`the request counts on the branch ${quoted(why.detail)}`);
    case "ended":
      if (why.detail === "failed") return person("ended as failed", `trailhand retry ${shellWord(branch)}`);
      return nobody(why.detail === "done" ? "finished" : `ended as ${why.detail}`);
    case "person":
      return person("waits for a person", request);
    case "parked":
      return person(why.detail, resume);
    case "waiting":
      return nobody(why.detail);
    case "taken-over":
      return person(`a person committed on top of ${why.detail}`, resume);
    case "unknown-state":
      return person(`the workflow has no state ${quoted(why.detail)}`, "trailhand graph");
    case "two-states":
      return person(`two states are asked for: ${why.detail}`, request);
    case "bad-name":
      return person(`${quoted(why.detail)} is no state name`, request);
    case "bad-value":
      return person(`the trailer ${why.detail} cannot be read`, request);
    case "doubt":
      return person(`git does not read its State line: ${quoted(why.detail)}`, "trailhand doctor");
    case "depends-on":
      return person(`Depends-On ${quoted(why.detail)} is nothing that can be waited for`, request);
    case "waits":
      return why.person ? person(why.detail, `trailhand approve ${shellWord(branch)}`) : nobody(why.detail);
    case "cycle":
      return person(`waits for itself: ${why.detail}`, request);
    case "held":
      return person(`everything is held: ${why.detail}`, "trailhand hold --off");
    case "void-approval":
      return person(
        `the approval of ${why.detail.slice(0, 10)} is void: something else was committed, or nothing there waits for it`,
        resume,
      );
    case "lane-closed":
      return nobody(`the lane ${why.detail} is closed for ${formatDuration(why.until - wallNow)} more`);
    case "unwritable":
      return person(
        `the branch name ${quoted(why.detail)} has invisible characters that no message may carry`,
        "git branch -m <a plainer name>",
      );
    case "blocked":
      return person(why.detail);
    case "not-before":
      return nobody(`waits for its time, in ${formatDuration(why.until - wallNow)}`);
    case "running":
      return runner(`attempt ${why.attempt} runs at ${why.detail}`);
    case "running-older":
      return runner("the run of an older request is ending");
    case "resting":
      return runner(`${why.detail}; the next attempt is due in ${formatDuration(why.leftMs)}`);
    case "foreign":
      return runner(`another worker has it, for ${formatDuration(why.leftMs)} more at the most`);
    case "lane-full":
      return runner(`the lane ${why.detail} is full`);
    case "no-room":
      return runner("waits for a free place in this runner");
  }
}
