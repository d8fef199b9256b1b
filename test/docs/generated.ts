/** The generated parts of the documentation. The test compares each with its file. */
import * as z from "zod";
import { loadCommands } from "../../src/cli/commands.ts";
import { renderReference, renderTable } from "../../src/cli/render/render-help.ts";
import type { Decision, DecisionReason } from "../../src/core/scheduling/decide.ts";
import { reasonOf } from "../../src/core/scheduling/reasons.ts";
import { RESERVED_STATES } from "../../src/core/workflow/workflow.ts";
import { stateSchema } from "../../src/core/workflow/state-schema.ts";
import { agentSchema, laneSchema, limitsSchema, workflowSchema } from "../../src/core/workflow/workflow-schema.ts";
import { outputSchema } from "../../src/core/outcome/output.ts";
import { renderCommandPage } from "../../src/github/commands/command-table.ts";
import { folderTable } from "./folder-table.ts";
import { packTables } from "./patterns.ts";
import { leaseTimes, refTable, trailerTables } from "./protocol-tables.ts";

const COMMANDS = await loadCommands();

/** A whole file, or the text between two markers of one. */
export interface Part {
  readonly file: string;
  /** `<!-- name:start -->` and `<!-- name:end -->`; the whole file by default. */
  readonly marker?: string;
  readonly make: () => string;
}

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
}

/** Keys whose text is a duration; `limits.wait` because a state's `wait` is another key. */
const DURATIONS = new Set(["timeout", "stall", "backoff", "deadline", "window", "time", "ageing", "limits.wait"]);
const TYPES = new Map([
  ["string", "text"],
  ["integer", "whole number"],
  ["number", "number"],
  ["boolean", "true or false"],
  ["array", "list of text"],
  ["object", "map"],
]);

function typeOf(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((one) => `\`${one}\``).join(" or ");
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(" or ");
  if (schema.type === "array" && schema.items?.type === "integer") return "list of whole numbers";
  const type = TYPES.get(schema.type ?? "");
  if (type === undefined) throw new TypeError(`a key has an unknown type: ${JSON.stringify(schema)}`);
  return type;
}

function defaultOf(value: unknown): string {
  if (value === undefined) return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

/** The schema of the file as written or as parsed. Some defaults appear in only one of them. */
const jsonOf = (schema: z.ZodObject, io: "input" | "output") =>
  z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema;

function keysTable(schema: z.ZodObject, place: string): string {
  const read = jsonOf(schema, "output").properties ?? {};
  const rows = Object.entries(jsonOf(schema, "input").properties ?? {}).map(([name, one]) => {
    const isDuration = DURATIONS.has(name) || DURATIONS.has(`${place}.${name}`);
    const type = isDuration ? "duration" : typeOf(one);
    const standard = defaultOf(one.default ?? read[name]?.default);
    return `| \`${name}\` | ${type} | ${standard} | ${(one.description ?? "").replaceAll("|", "\\|")} |`;
  });
  return ["| key | value | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function workflowKeys(): string {
  const tables: readonly (readonly [string, z.ZodObject, string])[] = [
    ["At the top", workflowSchema, ""],
    ["Below `limits`", limitsSchema, "limits"],
    ["Below each state", stateSchema, "states"],
    ["Below each lane", laneSchema, "lanes"],
    ["Below each agent", agentSchema, "agents"],
  ];
  return [
    ...tables.flatMap(([title, schema, place]) => [`### ${title}`, "", keysTable(schema, place), ""]),
    `Reserved state names: ${RESERVED_STATES.map((one) => `\`${one}\``).join(", ")}.`,
  ].join("\n");
}

function outputKeys(): string {
  return Object.keys(outputSchema.shape)
    .map((name) => `\`${name}\``)
    .join(", ");
}

/** One example of each reason, the most common ones first. */
const WHYS: readonly DecisionReason[] = [
  { code: "running", detail: "ann@laptop", attempt: 1 },
  { code: "running-older", detail: "ann@laptop", attempt: 1 },
  { code: "resting", detail: "exit 1", leftMs: 4000 },
  { code: "lane-full", detail: "integrate" },
  { code: "no-room" },
  { code: "foreign", leftMs: 60_000 },
  { code: "lane-closed", detail: "agents", until: 600_000 },
  { code: "waits", detail: "waits for 2 of 3 children: api, ui", person: false },
  { code: "waits", detail: "waits for 1 approval by ops", person: true },
  { code: "cycle", detail: "feat/a -> feat/b -> feat/a" },
  { code: "held", detail: "a release is on its way" },
  { code: "void-approval", detail: "0123456789abcdef" },
  { code: "person" },
  { code: "parked", detail: "the reason in the answer" },
  { code: "taken-over", detail: "check" },
  { code: "blocked", detail: "its checkout /home/ann/work has uncommitted changes; put them aside with git stash, then start trailhand run" },
  { code: "doubt", detail: "State: check" },
  { code: "unknown-state", detail: "chekc" },
  { code: "two-states", detail: "check, review" },
  { code: "bad-name", detail: "../evil" },
  { code: "bad-value", detail: "Not-Before" },
  { code: "depends-on", detail: "feat/base" },
  { code: "unwritable", detail: "feat/x\u200e" },
  { code: "not-before", until: 3_600_000 },
  { code: "waiting", detail: "the reason in the answer" },
  { code: "ended", detail: "done" },
  { code: "bound-elsewhere", detail: "feat/other" },
  { code: "no-state" },
  { code: "merge" },
  { code: "target" },
  { code: "not-listed" },
];

function reasons(): string {
  const rows = WHYS.map((why) => {
    const decision = { kind: "wait", head: { branch: "feat/x" }, why } as unknown as Decision;
    const { turn, sentence, next } = reasonOf(decision, 0);
    return `| \`${why.code}\` | ${turn} | ${sentence.replaceAll("|", "\\|")} | ${next ? `\`${next}\`` : ""} |`;
  });
  return ["| code | whose turn | `status` says, for example | next |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

/** All generated parts. */
export const PARTS: readonly Part[] = [
  { file: "docs/cli.md", make: () => `${renderReference(COMMANDS).trimEnd()}\n` },
  { file: "README.md", marker: "commands", make: () => renderTable(COMMANDS) },
  { file: "docs/architecture.md", marker: "folders", make: folderTable },
  { file: "docs/workflow.md", marker: "keys", make: workflowKeys },
  { file: "docs/workflow.md", marker: "output", make: outputKeys },
  { file: "docs/protocol.md", marker: "trailers", make: trailerTables },
  { file: "docs/protocol.md", marker: "refs", make: refTable },
  { file: "docs/protocol.md", marker: "lease-times", make: leaseTimes },
  { file: "docs/troubleshooting.md", marker: "reasons", make: reasons },
  { file: "docs/patterns.md", marker: "packs", make: packTables },
  { file: "docs/github-commands.md", make: renderCommandPage },
];

