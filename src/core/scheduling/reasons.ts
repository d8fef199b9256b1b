/** The sentence of each decision: whose turn it is, why, and the command that continues. */
import type { Decision, DecisionReason } from "./decide.ts";
import { formatDuration } from "../util/duration.ts";
import { quoted, shellWord } from "../messages/messages.ts";

/** `none`: the branch is finished or ignored, or waits for something that is not a person. */
export type Turn = "runner" | "person" | "none";

export interface Reason {
  readonly turn: Turn;
  readonly sentence: string;
  /** The command that continues. */
  readonly next?: string;
}

/** `wallNow` is in milliseconds since 1970. */
export function reasonOf(decision: Decision, wallNow: number): Reason {
  const runner = (sentence: string): Reason => ({ turn: "runner", sentence, next: "trailhand run" });
  switch (decision.kind) {
    case "run": {
      const { knownAnswer, attempt } = decision;
      if (knownAnswer) return runner(`will be answered with ${knownAnswer.state}: ${knownAnswer.why}`);
      return runner(attempt > 1 ? `ready to run, attempt ${attempt}` : "ready to run");
    }
    case "land":
      return runner("finished; the response will be applied to this branch");
    case "expire":
      return runner("has an orphaned lease, which will be removed");
    default:
      return reasonOfIdle(decision.why, decision.head.branch, wallNow);
  }
}

function reasonOfIdle(why: DecisionReason, branch: string, wallNow: number): Reason {
  const runner = (sentence: string): Reason => ({ turn: "runner", sentence });
  const person = (sentence: string, next?: string): Reason =>
    next === undefined ? { turn: "person", sentence } : { turn: "person", sentence, next };
  const none = (sentence: string): Reason => ({ turn: "none", sentence });
  const request = `trailhand request <state> --branch ${shellWord(branch)}`;
  const resume = `trailhand resume ${shellWord(branch)}`;
  switch (why.code) {
    case "target":
      return none("requests on the trusted branch do not run");
    case "not-listed":
      return none("the workflow's `branches` exclude it");
    case "no-state":
      return none("its head is not a request");
    case "merge":
      return none("its head is a merge commit, which is never a request");
    case "bound-elsewhere":
      return none(`its request belongs to the branch ${quoted(why.detail)}`);
    case "ended":
      if (why.detail === "failed") return person("ended as failed", `trailhand retry ${shellWord(branch)}`);
      return none(why.detail === "done" ? "finished" : `ended as ${why.detail}`);
    case "person":
      return person("waits for a person", request);
    case "parked":
      return person(why.detail, resume);
    case "waiting":
      return none(why.detail);
    case "taken-over":
      return person(`a person committed on top of ${why.detail}`, resume);
    case "unknown-state":
      return person(`the workflow has no state ${quoted(why.detail)}`, "trailhand graph");
    case "two-states":
      return person(`its request names two states: ${why.detail}`, request);
    case "bad-name":
      return person(`${quoted(why.detail)} is not a valid state name`, request);
    case "bad-value":
      return person(`the value of its trailer ${why.detail} is not valid`, request);
    case "doubt":
      return person(`git does not read this line as a trailer: ${quoted(why.detail)}`, "trailhand doctor");
    case "depends-on":
      return person(`Depends-On ${quoted(why.detail)} is not a valid dependency`, request);
    case "waits":
      return why.person ? person(why.detail, `trailhand approve ${shellWord(branch)}`) : none(why.detail);
    case "cycle":
      return person(`waits for itself: ${why.detail}`, request);
    case "held":
      return person(`everything is held: ${why.detail}`, "trailhand hold --off");
    case "void-approval":
      return person(
        `the approval of ${why.detail.slice(0, 10)} is void: something was committed after it, or its request does not wait for an approval`,
        resume,
      );
    case "lane-closed":
      return none(`the lane ${why.detail} is closed for ${formatDuration(why.until - wallNow)} more`);
    case "unwritable":
      return person(
        `the branch name ${quoted(why.detail)} contains invisible characters, which no message may contain`,
        "git branch -m <new name>",
      );
    case "blocked":
      return person(why.detail);
    case "not-before":
      return none(`waits for its start time, in ${formatDuration(why.until - wallNow)}`);
    case "running":
      return runner(`attempt ${why.attempt} is running at ${why.detail}`);
    case "running-older":
      return runner("a run of an older request is still ending");
    case "resting":
      return runner(`${why.detail}; the next attempt is due in ${formatDuration(why.leftMs)}`);
    case "foreign":
      return runner(`leased by another program for at most ${formatDuration(why.leftMs)} more`);
    case "lane-full":
      return runner(`the lane ${why.detail} is full`);
    case "no-room":
      return runner("waits for a free slot in this runner");
  }
}
