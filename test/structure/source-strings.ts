/** Splits TypeScript source into its string literals and the code around them. */

export interface SourceParts {
  /** The contents of all string and template literals, those within templates included. */
  readonly strings: readonly string[];
  /** The source without comments, and with every literal replaced by `""`. */
  readonly code: string;
}

const EXPRESSION = /\$\{((?:[^`{}]|\{[^{}]*\}|`(?:[^`\\]|\\[^])*`)*)\}/;
const TOKEN = new RegExp(
  [
    /(?<comment>\/\*[^]*?\*\/|\/\/[^\n]*)/.source,
    /(?<pattern>(?<=[=(,:[!&|?{};\n]\s*)\/(?![*/ ])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*)/.source,
    /"(?<double>(?:[^"\\\n]|\\.)*)"/.source,
    /'(?<single>(?:[^'\\\n]|\\.)*)'/.source,
    `\`(?<template>(?:${EXPRESSION.source}|[^\`\\\\]|\\\\[^])*)\``,
  ].join("|"),
  "g",
);

export function splitSource(text: string): SourceParts {
  const strings: string[] = [];
  const code = text.replace(TOKEN, (...match: unknown[]) => {
    const { comment, pattern, double, single, template } = match.at(-1) as Record<string, string | undefined>;
    if (comment !== undefined) return "";
    if (pattern === undefined) strings.push(double ?? single ?? template ?? "");
    for (const [, expression = ""] of (template ?? "").matchAll(new RegExp(EXPRESSION, "g")))
      strings.push(...splitSource(expression).strings);
    return '""';
  });
  return { strings, code };
}
