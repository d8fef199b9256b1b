/** Registers the App: the requested permissions, the form, and the file with the key. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readCredentials } from "../../../src/github/api/credentials.ts";
import { formPage, buildManifest, manifestSchema } from "../../../src/github/api/app-manifest.ts";
import { makeTerminal } from "../../../src/cli/render/terminal.ts";
import { command as appManifest } from "../../../src/cli/commands/app-manifest.ts";
import { callOf } from "../../support/call-command.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { EXAMPLES, PRIVATE_KEY, stubGitHub } from "../../support/webhooks.ts";
import { until } from "../../support/until.ts";

const APP = manifestSchema.parse(
  parse(readFileSync(fileURLToPath(new URL("../../../app.yml", import.meta.url)), "utf8")),
);

/** Runs the command in this process, so that a server of the test can answer it. */
function command(env: Record<string, string>, ...words: readonly string[]) {
  const dir = temporaryDir();
  const said = { out: "", err: "" };
  const stream = (name: "out" | "err") => ({ write: (text: string) => (said[name] += text) });
  const terminal = makeTerminal({ stdout: stream("out"), stderr: stream("err") }, { NO_COLOR: "1" });
  const ended = appManifest.run(callOf(appManifest, ["-C", dir, ...words], dir, { terminal, env }));
  // Some tests await it later; until then a rejection is ignored.
  ended.catch(() => undefined);
  return { dir, said, ended };
}

const unescaped = (text: string) =>
  text.replace(/&#(\d+);/g, (_all, code: string) => String.fromCharCode(Number(code)));

function read(html: string): { action: string; manifest: Record<string, unknown> } {
  const action = unescaped(/action="([^"]*)"/.exec(html)?.[1] ?? "");
  const value = unescaped(/name="manifest" value="([^"]*)"/.exec(html)?.[1] ?? "");
  return { action, manifest: JSON.parse(value) as Record<string, unknown> };
}

interface Said {
  readonly status: number | undefined;
  readonly text: string;
}

function look(url: string, host?: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const asked = request(url, host === undefined ? {} : { headers: { host } }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.once("end", () => resolve({ status: response.statusCode, text }));
    });
    asked.once("error", reject);
    asked.end();
  });
}

test("the manifest requests minimal permissions, and only events that exist", () => {
  expect(APP.default_permissions).toEqual({
    contents: "write",
    issues: "write",
    pull_requests: "write",
    checks: "write",
    metadata: "read",
  });
  expect(APP.public).toBe(false);
  const known = new Set(EXAMPLES.map(({ name }) => name));
  expect(APP.default_events.filter((name) => !known.has(name))).toEqual([]);
  // GitHub rejects a manifest that lists events which every App receives.
  expect(APP.default_events).not.toContain("installation");
});

test("each permission and event has a reason", () => {
  const text = readFileSync(fileURLToPath(new URL("../../../app.yml", import.meta.url)), "utf8");
  const lines = text.split("\n");
  for (const [n, line] of lines.entries()) {
    if (/^ {2}(?:- )?\w+(?::|$)/.test(line) && !line.includes("pull_request_review_comment")) {
      expect(lines[n - 1], line).toMatch(/^ {2}#/);
    }
  }
});

test("the written page sends the manifest to GitHub", async () => {
  const { dir, said, ended } = command(
    {},
    "--url",
    "https://bot.example.com",
    "--org",
    "octo",
    "--name",
    "Bot",
  );
  expect(await ended).toBe(0);
  expect(said.out).toBe(`${join(dir, "trailhand-app.html")}\n`);
  const { action, manifest } = read(readFileSync(join(dir, "trailhand-app.html"), "utf8"));
  expect(action).toBe("https://github.com/organizations/octo/settings/apps/new");
  expect(manifest).toEqual({
    ...APP,
    name: "Bot",
    url: "https://bot.example.com",
    hook_attributes: { url: "https://bot.example.com/api/github/webhooks", active: true },
  });
});

test("without an address the webhook is inactive, and a message says so", async () => {
  const { dir, said, ended } = command({ GITHUB_SERVER_URL: "https://ghe.example.com/" });
  await ended;
  const { action, manifest } = read(readFileSync(join(dir, "trailhand-app.html"), "utf8"));
  expect(action).toBe("https://ghe.example.com/settings/apps/new");
  expect(manifest).toMatchObject({ hook_attributes: { active: false } });
  expect(said.err).toContain("gets no webhooks");
});

test("a name is escaped in the page", () => {
  const name = `"><script>alert(1)</script>'&`;
  const manifest = buildManifest(APP, { name, webhook: undefined, redirect: undefined });
  const html = formPage("https://github.com/settings/apps/new", manifest);
  expect(html).not.toContain("<script>");
  expect(read(html).manifest).toMatchObject({ name });
});

test.each([
  ["--url", "bot.example.com"],
  ["--url", "file:///etc/passwd"],
  ["--org", "../settings"],
])("%s %s is refused", async (...words) => {
  await expect(command({}, ...words).ended).rejects.toMatchObject({ exit: 2 });
});

test("an existing file is never overwritten", async () => {
  const path = join(temporaryDir(), "keys.env");
  writeFileSync(path, "the only copy");
  for (const more of [[], ["--listen"]]) {
    await expect(command({}, "--out", path, ...more).ended).rejects.toThrow("exists already");
  }
  expect(readFileSync(path, "utf8")).toBe("the only copy");
});

const CONVERSION = {
  id: 42,
  slug: "trailhand-octo",
  html_url: "https://github.com/apps/trailhand-octo",
  pem: PRIVATE_KEY,
  webhook_secret: "s3cret",
  client_secret: "not needed",
};

test("the code from GitHub is exchanged for a file that only its owner can read", async () => {
  const github = await stubGitHub((asked) =>
    asked === "POST /app-manifests/abc123/conversions" ? { status: 201, body: CONVERSION } : undefined,
  );
  const { dir, said, ended } = command(
    { GITHUB_API_URL: github.url },
    "--listen",
    "--url",
    "https://b.example.com/",
  );
  await until("it listens", () => said.out.includes("\n"));
  const address = said.out.trim();
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const { action, manifest } = read((await look(address)).text);
  expect(manifest["redirect_url"]).toBe(`${address}/back`);
  const state = new URL(action).searchParams.get("state") ?? "";
  expect(state).toMatch(/^[0-9a-f]{48}$/);

  // Neither another website nor a foreign host name can deliver a code.
  expect(await look(`${address}/back?code=evil&state=${"0".repeat(48)}`)).toMatchObject({ status: 400 });
  expect(await look(`${address}/back?code=evil`)).toMatchObject({ status: 400 });
  expect(await look(`${address}/back?code=../x&state=${state}`)).toMatchObject({ status: 400 });
  expect(await look(address, "evil.example.com")).toMatchObject({ status: 404, text: "" });
  expect(github.asked).toEqual([]);

  const done = await look(`${address}/back?code=abc123&state=${state}`);
  expect(done.text).toContain("https://github.com/apps/trailhand-octo/installations/new");
  expect(await ended).toBe(0);
  const path = join(dir, "trailhand-app.env");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  const text = readFileSync(path, "utf8");
  expect(text).not.toContain("not needed");
  expect(said.out + said.err + done.text).not.toMatch(/s3cret|BEGIN/);
  expect(said.err).toContain("trailhand serve");

  const env = Object.fromEntries(
    [...text.matchAll(/^(\w+)="?(.*?)"?$/gm)].map(([, name, value]) => [name, value]),
  ) as Record<string, string>;
  expect(readCredentials(env)).toEqual({ appId: 42, privateKey: PRIVATE_KEY.trim(), secret: "s3cret" });
});

test("when GitHub rejects the code, terminal and browser say so, and no file is written", async () => {
  const github = await stubGitHub(() => ({ status: 404, body: {} }));
  const { dir, said, ended } = command({ GITHUB_API_URL: github.url }, "--listen");
  await until("it listens", () => said.out.includes("\n"));
  const { action } = read((await look(said.out.trim())).text);
  const state = new URL(action).searchParams.get("state");
  const page = await look(`${said.out.trim()}/back?code=old&state=${state}`);
  expect(page.text).toContain("status 404");
  await expect(ended).rejects.toThrow("GitHub did not return the credentials");
  expect(() => statSync(join(dir, "trailhand-app.env"))).toThrow("ENOENT");
});
