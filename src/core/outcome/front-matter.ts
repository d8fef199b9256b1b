/**
 * The front matter of a prompt: YAML between two `---` lines at its beginning.
 *
 * What must hold: an unknown key is a problem that names it; a prompt without any is a good one.
 */
import { parseDocument } from "yaml";
import * as z from "zod";
import { suggest } from "../util/suggest.ts";
import { DEFAULT_AGENT, splitPrompt } from "./prompt.ts";
import type { Workflow } from "../workflow/workflow.ts";

const schema = z.strictObject({ agent: z.string().min(1).optional() });

export interface FrontMatter {
  readonly agent: string | undefined;
  readonly problems: readonly string[];
}

/** Reads the front matter of a prompt's text, for a workflow that lists agents. */
export function readFrontMatter(text: string, { agents }: Pick<Workflow, "agents">): FrontMatter {
  const { front } = splitPrompt(text);
  if (front === undefined) return { agent: undefined, problems: [] };
  const document = parseDocument(front, { prettyErrors: false, logLevel: "error" });
  const [error] = document.errors;
  if (error) return wrong(`its front matter is no YAML: ${error.message.split("\n")[0]}`);
  if (document.contents === null) return { agent: undefined, problems: [] };
  // No key needs an alias, and a few of them could become gigabytes.
  const read = schema.safeParse(toValue(() => document.toJS({ maxAliasCount: 0 }) as unknown));
  if (!read.success) return wrong(...read.error.issues.flatMap(explain));
  const { agent } = read.data;
  if (agent === undefined || agent === DEFAULT_AGENT || Object.hasOwn(agents, agent)) {
    return { agent, problems: [] };
  }
  return wrong(`names the agent "${agent}", which is not listed${hint(agent, Object.keys(agents))}`);
}

function toValue(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}

const wrong = (...problems: string[]): FrontMatter => ({ agent: undefined, problems });

function explain(issue: z.core.$ZodIssue): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => `unknown key "${key}" in its front matter${hint(key, ["agent"])}`);
  }
  return [`its front matter: ${[...issue.path.map(String), issue.message].join(": ")}`];
}

function hint(name: string, known: readonly string[]): string {
  const near = suggest(name, known);
  return near === undefined ? "" : `; did you mean "${near}"?`;
}
