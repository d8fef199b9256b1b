/** Reads the optional front matter of a prompt: YAML between two `---` lines at its beginning. */
import { parseDocument } from "yaml";
import * as z from "zod";
import { didYouMean } from "../util/suggest.ts";
import { DEFAULT_AGENT, splitPrompt } from "./prompt.ts";
import type { Workflow } from "../workflow/workflow.ts";

const schema = z.strictObject({ agent: z.string().min(1).optional() });

export interface FrontMatter {
  readonly agent: string | undefined;
  readonly problems: readonly string[];
}

export function readFrontMatter(text: string, { agents }: Pick<Workflow, "agents">): FrontMatter {
  const { front } = splitPrompt(text);
  if (front === undefined) return { agent: undefined, problems: [] };
  const document = parseDocument(front, { prettyErrors: false, logLevel: "error" });
  const [error] = document.errors;
  if (error) return invalid(`its front matter is not valid YAML: ${error.message.split("\n")[0]}`);
  if (document.contents === null) return { agent: undefined, problems: [] };
  // Aliases are not allowed: a few of them can expand to gigabytes.
  const result = schema.safeParse(toValue(() => document.toJS({ maxAliasCount: 0 }) as unknown));
  if (!result.success) return invalid(...result.error.issues.flatMap(explain));
  const { agent } = result.data;
  if (agent === undefined || agent === DEFAULT_AGENT || Object.hasOwn(agents, agent)) {
    return { agent, problems: [] };
  }
  return invalid(`names the agent "${agent}", which is not listed${didYouMean(agent, Object.keys(agents))}`);
}

function toValue(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const invalid = (...problems: string[]): FrontMatter => ({ agent: undefined, problems });

function explain(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `unknown key "${key}" in its front matter${didYouMean(key, ["agent"])}`);
  }
  return [`its front matter: ${[...issue.path.map(String), issue.message].join(": ")}`];
}
