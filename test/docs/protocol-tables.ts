/** The tables of docs/protocol.md: trailers, refs and lease times, each from its table in the code. */
import { LEASE_LIMITS } from "../../src/core/protocol/limits.ts";
import { SIDE_REFS } from "../../src/core/protocol/refs.ts";
import { isCopied, isForbiddenToScripts, TRAILER_KEYS } from "../../src/core/protocol/trailer-keys.ts";
import { formatDuration } from "../../src/core/util/duration.ts";
import { DEFAULTS } from "../../src/core/workflow/defaults.ts";
import { BACKOFF, LEASE } from "../../src/engine/timing.ts";

type Row = (typeof TRAILER_KEYS)[number];

const table = (titles: readonly string[], rows: readonly (readonly string[])[]): string =>
  [titles, titles.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

const isCarried = ({ traits }: Row): boolean => traits.includes("carried");

const onResponse = ({ key }: Row): string => (isCopied(key) ? "copied" : "not copied");
const byScripts = ({ key }: Row): string => (isForbiddenToScripts(key) ? "no" : "yes");

function repetition({ traits }: Row): string {
  if (traits.includes("once")) return "must not differ";
  return traits.includes("list") ? "all count" : "the last counts";
}

const requestRows = (rows: readonly Row[]): string =>
  table(
    ["trailer", "meaning", "written by", "in output", "on the response", "repeated"],
    rows.map((row) => [
      `\`${row.key}\``,
      row.meaning,
      row.writer,
      byScripts(row),
      onResponse(row),
      repetition(row),
    ]),
  );

const responseRows = (rows: readonly Row[]): string =>
  table(
    ["trailer", "meaning", "written by", "in output"],
    rows.map((row) => [`\`${row.key}\``, row.meaning, row.writer, byScripts(row)]),
  );

const recordRows = (rows: readonly Row[]): string =>
  table(
    ["trailer", "meaning"],
    rows.map(({ key, meaning }) => [`\`${key}\``, meaning]),
  );

/** Every key, grouped by where it stands. */
export function trailerTables(): string {
  const of = (...writers: readonly Row["writer"][]) => TRAILER_KEYS.filter(({ writer }) => writers.includes(writer));
  const onBranches = of("person", "person or runner", "runner", "script");
  const isRequestKey = ({ writer }: Row) => writer === "person" || writer === "person or runner";
  const groups: readonly (readonly [title: string, content: string])[] = [
    ["On requests", requestRows(onBranches.filter((row) => isRequestKey(row) && !isCarried(row)))],
    ["On responses", responseRows(onBranches.filter((row) => !isRequestKey(row) && !isCarried(row)))],
    ["Carried from response to response", responseRows(onBranches.filter(isCarried))],
    ["In a lease record", recordRows(of("lease"))],
    ["In the records of other side refs", recordRows(of("side ref"))],
    ["Of other tools", recordRows(of("another tool"))],
  ];
  return groups.map(([title, content]) => `#### ${title}\n\n${content}`).join("\n\n");
}

export function refTable(): string {
  const rows = SIDE_REFS.map(({ prefix, name, writer, holds, until }) => {
    const placeholders = name.includes("<") ? name.slice(name.indexOf("<")) : "";
    return [`\`${prefix}${placeholders}\``, holds, writer, until];
  });
  return table(["ref", "says", "written by", "until"], [["`refs/heads/<branch>`", "the work", "everyone", "you delete it"], ...rows]);
}

export function leaseTimes(): string {
  const time = formatDuration;
  const share = (part: number) => `${time(LEASE.ttlMs * part)} of ${time(LEASE.ttlMs)}`;
  return table(
    ["time", "value"],
    [
      ["lease time", `${time(LEASE.ttlMs)}; ${time(LEASE.limitedTtlMs)} at github.com, which limits pushes; \`--ttl\` sets it`],
      ["time between renewals", share(1 / LEASE.renewals)],
      ["given up by its own run after", share(LEASE.giveUpShare)],
      ["expired for an observer after", `${time(LEASE.ttlMs * LEASE_LIMITS.takeOverFactor)}: ${LEASE_LIMITS.takeOverFactor} lease times`],
      ["bounds on a record that another runner wrote", `${time(LEASE_LIMITS.shortestMs)} to ${time(LEASE_LIMITS.longestMs)}`],
      ["back-off after a failed attempt", `${time(DEFAULTS.backoffMs)} by default, doubling up to ${time(DEFAULTS.longestBackoffMs)}`],
      ["back-off after exit 75 without a time", time(DEFAULTS.retryAfterMs)],
      ["back-off after a fault of the runner", time(BACKOFF.faultMs)],
      ["longest back-off", time(LEASE_LIMITS.longestBackoffMs)],
    ],
  );
}
