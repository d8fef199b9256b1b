/**
 * Checks requests against GitHub's own API description.
 *
 * Invariants:
 * - The description is test/fixtures/github-openapi.json, written by scripts/github-openapi.mjs.
 * - An undocumented path, parameter or field is a problem, even if GitHub would ignore it.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Operation {
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema: Schema;
  }[];
  readonly body?: Schema;
  readonly bodyRequired?: boolean;
}

const FILE = fileURLToPath(new URL("../fixtures/github-openapi.json", import.meta.url));
const { operations } = JSON.parse(readFileSync(FILE, "utf8")) as {
  readonly operations: Readonly<Record<string, Operation>>;
};

const PATTERNS = Object.entries(operations).map(([name, operation]) => {
  const [method = "", path = ""] = name.split(" ");
  const pattern = new RegExp(`^${path.replace(/\{(\w+)\}/g, "(?<$1>[^/]+)")}$`);
  return { name, method, pattern, operation, fixed: path.replace(/\{\w+\}/g, "").length };
});

/** The problems of a request; empty if every part of it is documented. */
export function requestProblems(method: string, url: string, body: unknown): string[] {
  const { pathname, searchParams } = new URL(url, "http://127.0.0.1");
  const fits = PATTERNS.filter((one) => one.method === method && one.pattern.test(pathname));
  // Prefers the most specific path, so `issues/comments/{id}` does not match an issue named `comments`.
  const found = fits.toSorted((a, b) => b.fixed - a.fixed)[0];
  if (!found) return [`${method} ${pathname} is not an operation in ${FILE}`];
  const { name, pattern, operation } = found;
  const inPath = Object.entries(pattern.exec(pathname)?.groups ?? {});
  const given = [
    ...inPath.map(([key, value]) => ["path", key, decodeURIComponent(value)] as const),
    ...[...searchParams].map(([key, value]) => ["query", key, value] as const),
  ];
  const wrong = given.flatMap(([place, key, value]) => {
    const described = operation.parameters.find((one) => one.in === place && one.name === key);
    return described
      ? problems(described.schema, typed(described.schema, value), `${place} ${key}`)
      : [`unknown ${place} parameter ${key}`];
  });
  const missing = operation.parameters
    .filter((one) => one.required && one.in !== "header" && !given.some(([, key]) => key === one.name))
    .map((one) => `missing parameter ${one.name}`);
  return [...wrong, ...missing, ...bodyProblems(operation, body)].map((one) => `${name}: ${one}`);
}

function bodyProblems({ body: schema, bodyRequired }: Operation, body: unknown): string[] {
  if (body === undefined) return bodyRequired ? ["the body is missing"] : [];
  return schema ? problems(schema, body, "body") : ["unexpected body"];
}

/** Converts text from a URL to a number if GitHub documents a number. */
const typed = ({ type }: Schema, text: string): unknown =>
  (type === "integer" || type === "number") && /^-?\d+$/.test(text) ? Number(text) : text;

/** `known` contains the field names that the enclosing schema also allows. */
function problems(schema: Schema, value: unknown, at: string, known: readonly string[] = []): string[] {
  if (value === null && (schema.nullable || typesOf(schema).includes("null"))) return [];
  const names = [...known, ...namesOf(schema)];
  const variants = [schema.anyOf, schema.oneOf].flatMap((several) => {
    if (!several) return [];
    const each = several.map((one) => problems(one, value, at, names));
    return each.some((one) => one.length === 0) ? [] : (each[0] ?? []);
  });
  const parts = (schema.allOf ?? []).flatMap((one) => problems(one, value, at, names));
  return [...own(schema, value, at, names), ...variants, ...parts];
}

const typesOf = ({ type }: Schema): readonly string[] =>
  type === undefined ? [] : typeof type === "string" ? [type] : type;

const namesOf = ({ properties, anyOf, oneOf, allOf }: Schema): string[] => [
  ...Object.keys(properties ?? {}),
  ...(properties ? [...(anyOf ?? []), ...(oneOf ?? [])].flatMap(namesOf) : []),
  ...(allOf ?? []).flatMap(namesOf),
];

function own(schema: Schema, value: unknown, at: string, names: readonly string[]): string[] {
  const types = typesOf(schema);
  if (types.length > 0 && !types.some((type) => hasType(type, value)))
    return [`${at} is not of type ${types.join(" or ")}`];
  if (schema.enum && !schema.enum.includes(value)) return [`${at} is not one of ${schema.enum.join(", ")}`];
  const { minimum, maximum, maxLength, minItems, maxItems, items } = schema;
  if (typeof value === "number" && (value < (minimum ?? value) || value > (maximum ?? value)))
    return [`${at} is out of bounds`];
  if (typeof value === "string" && value.length > (maxLength ?? Infinity)) return [`${at} is too long`];
  if (Array.isArray(value)) {
    if (value.length < (minItems ?? 0) || value.length > (maxItems ?? Infinity))
      return [`${at} has ${value.length} items`];
    return items ? value.flatMap((one, index) => problems(items, one, `${at}[${index}]`)) : [];
  }
  if (typeof value !== "object" || value === null || !(schema.properties || types.includes("object")))
    return [];
  const missing = (schema.required ?? [])
    .filter((name) => !(name in value))
    .map((name) => `${at} lacks ${name}`);
  const fields = Object.entries(value).flatMap(([name, one]) => {
    const field = schema.properties?.[name];
    if (field) return problems(field, one, `${at}.${name}`);
    return names.includes(name) ? [] : [`unknown field ${at}.${name}`];
  });
  return [...missing, ...fields];
}

function hasType(type: string, value: unknown): boolean {
  switch (type) {
    case "array":
      return Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "null":
      return value === null;
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}
