/** Summarizes a write to GitHub for people. */
import type { Write } from "../github/display/diff.ts";

export interface WriteSummary {
  /** Such as `#12`, `labels` or a branch. */
  readonly where: string;
  readonly write: Write["kind"];
  readonly what: string;
}

export function describeWrite(write: Write): WriteSummary {
  const summary = (where: string, what: string): WriteSummary => ({ where, write: write.kind, what });
  switch (write.kind) {
    case "create-label":
      return summary("labels", write.label.name);
    case "add-label":
    case "remove-label":
      return summary(`#${write.number}`, write.name);
    case "create-comment":
    case "edit-comment":
      return summary(`#${write.number}`, firstLine(write.body));
    case "delete-comment":
      return summary(`#${write.number}`, String(write.id));
    case "create-check":
    case "update-check": {
      const { commit, name, conclusion, status } = write.check;
      return summary(commit.slice(0, 9), `${name}: ${conclusion ?? status}`);
    }
    case "create-pull":
      return summary(write.pull.branch, write.pull.title);
    case "close-pull":
      return summary(`#${write.number}`, "its work is merged");
    case "close-issue":
      return summary(`#${write.number}`, write.reason);
    case "react":
      return summary(`${write.source.kind} ${write.source.id}`, write.content);
  }
}

/** The first line that is not a marker. */
const firstLine = (body: string): string => body.split("\n").find((line) => !/^(?:<!--|$)/.test(line)) ?? "";
