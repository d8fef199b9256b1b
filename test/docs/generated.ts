/** The parts of the documentation that are output: each is made here, and compared by the test. */
import * as z from "zod";
import { renderReference, renderTable } from "../../src/cli/render-help.ts";
import type { Decision, Why } from "../../src/core/decide.ts";
import { reasonOf } from "../../src/core/reasons.ts";
import { LATER_KEYS, RESERVED_STATES } from "../../src/core/workflow.ts";
import { workflowSchema } from "../../src/core/workflow-schema.ts";
import { outputSchema } from "../../src/core/output.ts";

/** A made part: a whole file, or what stands between two markers of one. */
export interface Part {
  readonly file: string;
  /** `<!-- name:start -->` and `<!-- name:end -->`; the whole file when left out. */
  readonly marker?: string;
  readonly make: () => string;
}

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
}

const DURATIONS = new Set(["timeout", "backoff"]);

function typeOf(name: string, schema: JsonSchema): string {
  if (DURATIONS.has(name)) return "duration";
  if (schema.enum) return schema.enum.map((one) => `\`${one}\``).join(" or ");
  if (schema.anyOf) return schema.anyOf.map((one) => typeOf(name, one)).join(" or ");
  if (schema.type === "array") return "list of text";
  return { string: "text", integer: "whole number", boolean: "true or false", object: "map" }[schema.type ?? ""] ?? "";
}

function defaultOf(value: unknown): string {
  if (value === undefined) return "";
  return `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
}

function keysTable(schema: JsonSchema): string {
  const rows = Object.entries(schema.properties ?? {}).map(
    ([name, one]) =>
      `| \`${name}\` | ${typeOf(name, one)} | ${defaultOf(one.default)} | ${one.description ?? ""} |`,
  );
  return ["| key | value | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function workflowKeys(): string {
  const schema = z.toJSONSchema(workflowSchema, { io: "input", unrepresentable: "any" }) as JsonSchema;
  const limits = schema.properties?.["limits"] ?? {};
  const state = schema.properties?.["states"]?.additionalProperties as JsonSchema;
  return [
    "### At the top",
    "",
    keysTable(schema),
    "",
    "### Below `limits`",
    "",
    keysTable(limits),
    "",
    "### Below each state",
    "",
    keysTable(state),
    "",
    `Reserved state names: ${RESERVED_STATES.map((one) => `\`${one}\``).join(", ")}. Keys kept for later versions, which are errors today: ${[...LATER_KEYS].toSorted().map((one) => `\`${one}\``).join(", ")}.`,
  ].join("\n");
}

function outputKeys(): string {
  return Object.keys(outputSchema.shape)
    .map((name) => `\`${name}\``)
    .join(", ");
}

/** One example of each reason, in the order people meet them. */
const WHYS: readonly Why[] = [
  { code: "running", detail: "ann@laptop", attempt: 1 },
  { code: "running-older", detail: "ann@laptop", attempt: 1 },
  { code: "resting", detail: "exit 1", leftMs: 4000 },
  { code: "lane-full", detail: "integrate" },
  { code: "no-room" },
  { code: "foreign", leftMs: 60_000 },
  { code: "person" },
  { code: "parked", detail: "the reason in the answer" },
  { code: "taken-over", detail: "check" },
  { code: "blocked", detail: "its checkout /home/ann/work has changes; put them aside with git stash, then run again" },
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

/** Everything that is made. */
export const PARTS: readonly Part[] = [
  { file: "docs/cli.md", make: () => `${renderReference().trimEnd()}\n` },
  { file: "README.md", marker: "commands", make: renderTable },
  { file: "docs/workflow.md", marker: "keys", make: workflowKeys },
  { file: "docs/workflow.md", marker: "output", make: outputKeys },
  { file: "docs/troubleshooting.md", marker: "reasons", make: reasons },
];

