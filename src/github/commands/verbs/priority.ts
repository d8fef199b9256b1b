/** The comment command `/priority`. */
import { KEY } from "../../../core/protocol/trailer-keys.ts";
import { escapeCode } from "../../api/escape-markdown.ts";
import { type CommentCommand, refused } from "../comment-command.ts";
import { onExistingWork } from "../existing-work.ts";
import { changeRequest } from "../submit-request.ts";

export const priority: CommentCommand = {
  name: "priority",
  usage: "priority <n>",
  right: "triage",
  summary: "Sets the priority, from -1000 to 1000. A higher number starts earlier.",
  example: "priority 10",
  minWords: 1,
  run: onExistingWork(async (context, position, trailers) => {
    const [text = "", ...more] = context.call.words;
    const n = Number(text);
    if (more.length > 0 || !/^-?\d{1,4}$/.test(text) || Math.abs(n) > 1000)
      return refused(`${escapeCode(text)} is not a priority. Give a whole number from -1000 to 1000.`);
    if (position.isRunning)
      return refused("The request is already running, and a priority only changes when it starts.");
    if (position.wantsApproval)
      return refused("The request waits for approvals, and a new priority would void them.");
    return changeRequest(context, position, { key: KEY.priority, value: String(n) }, trailers);
  }),
};
