/**
 * Extracts the operations that we call from GitHub's OpenAPI description, so that tests can check requests.
 *
 * Usage: `node scripts/github-openapi.mjs <api.github.com.json>` writes test/fixtures/github-openapi.json.
 *
 * - The input is `generated/api.github.com.json` of the package @octokit/openapi (MIT). It is too large
 *   to be a dependency; download it with `npm pack @octokit/openapi@23.0.2`.
 * - Only the names, locations and schemas of parameters and bodies are kept, with references resolved.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Every operation that src/github calls. The tests reject all others. */
const CALLED = [
  "GET /app",
  "GET /app/hook/deliveries",
  "GET /app/hook/deliveries/{delivery_id}",
  "GET /app/installations",
  "GET /installation/repositories",
  "GET /repos/{owner}/{repo}",
  "GET /repos/{owner}/{repo}/activity",
  "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
  "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
  "GET /repos/{owner}/{repo}/installation",
  "GET /repos/{owner}/{repo}/issues",
  "GET /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
  "GET /repos/{owner}/{repo}/issues/{issue_number}",
  "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "GET /repos/{owner}/{repo}/issues/{issue_number}/reactions",
  "GET /repos/{owner}/{repo}/labels",
  "GET /repos/{owner}/{repo}/pulls",
  "GET /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions",
  "GET /repos/{owner}/{repo}/pulls/{pull_number}",
  "GET /user",
  "GET /users/{username}",
  "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}",
  "DELETE /repos/{owner}/{repo}/issues/{issue_number}/labels/{name}",
  "PATCH /repos/{owner}/{repo}/check-runs/{check_run_id}",
  "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
  "PATCH /repos/{owner}/{repo}/issues/{issue_number}",
  "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
  "POST /app/hook/deliveries/{delivery_id}/attempts",
  "POST /app/installations/{installation_id}/access_tokens",
  "POST /repos/{owner}/{repo}/check-runs",
  "POST /repos/{owner}/{repo}/git/commits",
  "POST /repos/{owner}/{repo}/issues/comments/{comment_id}/reactions",
  "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
  "POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
  "POST /repos/{owner}/{repo}/issues/{issue_number}/reactions",
  "POST /repos/{owner}/{repo}/labels",
  "POST /repos/{owner}/{repo}/pulls",
  "POST /repos/{owner}/{repo}/pulls/comments/{comment_id}/reactions",
];

/** The schema keywords that restrict a value. */
const KEPT = new Set(
  "type enum const properties required additionalProperties items anyOf oneOf allOf nullable pattern minimum maximum minItems maxItems minLength maxLength".split(
    " ",
  ),
);

const [source] = process.argv.slice(2);
if (source === undefined) throw new Error("name the file api.github.com.json of @octokit/openapi");
const description = JSON.parse(readFileSync(source, "utf8"));

const followed = (node) => {
  if (node?.$ref === undefined) return node;
  const parts = node.$ref.replace(/^#\//, "").split("/");
  return followed(parts.reduce((at, part) => at[part], description));
};

function schemaOf(node) {
  const kept = Object.entries(followed(node) ?? {}).filter(([key]) => KEPT.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, keptOf(key, value)]));
}

function keptOf(key, value) {
  if (key === "properties")
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, schemaOf(one)]));
  if (key === "anyOf" || key === "oneOf" || key === "allOf") return value.map(schemaOf);
  if (key === "items" || (key === "additionalProperties" && typeof value === "object"))
    return schemaOf(value);
  return value;
}

function operationOf(name) {
  const [method, path] = name.split(" ");
  const found = description.paths[path]?.[method.toLowerCase()];
  if (!found) throw new Error(`GitHub's description has no ${name}`);
  const parameters = (found.parameters ?? []).map(followed).map((one) => ({
    name: one.name,
    in: one.in,
    ...(one.required ? { required: true } : {}),
    schema: schemaOf(one.schema),
  }));
  const body = followed(found.requestBody);
  const schema = body?.content?.["application/json"]?.schema;
  return { parameters, ...(schema ? { body: schemaOf(schema), bodyRequired: body.required === true } : {}) };
}

const operations = Object.fromEntries(CALLED.map((name) => [name, operationOf(name)]));
const file = fileURLToPath(new URL("../test/fixtures/github-openapi.json", import.meta.url));
const about = `Made by scripts/github-openapi.mjs from @octokit/openapi ${description.info.version} (MIT).`;
writeFileSync(file, `${JSON.stringify({ about, operations }, undefined, 2)}\n`);
