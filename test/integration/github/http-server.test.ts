/** The webhook server: accepted and rejected requests, and that 202 means stored. */
import { createHmac } from "node:crypto";
import { request, type RequestOptions } from "node:http";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import type { Delivery } from "../../../src/github/api/delivery.ts";
import {
  HttpServer,
  WEBHOOK_PATH,
  type HttpServerOptions,
} from "../../../src/github/webhooks/http-server.ts";
import { DiskInbox } from "../../../src/github/webhooks/disk-inbox.ts";
import { openApp } from "../../../src/server/service.ts";
import { temporaryDir } from "../../support/temp-repo.ts";
import { EXAMPLES, PRIVATE_KEY, SECRET } from "../../support/webhooks.ts";

const sign = (body: string | Buffer, secret = SECRET) =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

const BODY = JSON.stringify({ zen: "Keep it logically awesome." });

/** A server that verifies signatures as Probot does. */
async function openServer(options: Partial<HttpServerOptions> = {}) {
  const credentials = { appId: 1, privateKey: PRIVATE_KEY, secret: SECRET };
  const app = await openApp({ credentials, baseUrl: "http://127.0.0.1:9", log: () => undefined });
  const inbox = new DiskInbox(temporaryDir());
  const warned: string[] = [];
  const server = new HttpServer({
    inbox,
    verify: (body, signature) => app.webhooks.verify(body, signature),
    warn: (text) => warned.push(text),
    ...options,
  });
  const port = await server.listen(0, "127.0.0.1");
  onTestFinished(async () => {
    await server.close();
    await inbox.close();
  });
  return { server, inbox, port, warned };
}

interface Said {
  readonly status: number | undefined;
  readonly text: string;
}

function ask(options: RequestOptions, ...chunks: readonly (string | Buffer)[]): Promise<Said> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", ...options }, (response) => {
      let text = "";
      response.on("data", (chunk: Buffer) => (text += chunk.toString()));
      response.once("end", () => resolve({ status: response.statusCode, text: text.trim() }));
    });
    asked.once("error", reject);
    for (const chunk of chunks) asked.write(chunk);
    asked.end();
  });
}

const deliver = (port: number, body: string | Buffer, headers: Record<string, string> = {}) =>
  ask(
    {
      port,
      method: "POST",
      path: WEBHOOK_PATH,
      headers: {
        "content-type": "application/json",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "x-github-event": "ping",
        "x-hub-signature-256": sign(body),
        ...headers,
      },
    },
    body,
  );

test("a signed delivery is stored before it is confirmed, and a duplicate is recognised", async () => {
  const { port, inbox } = await openServer();
  expect(await deliver(port, BODY)).toEqual({ status: 202, text: "accepted" });
  expect(await deliver(port, BODY)).toEqual({ status: 202, text: "already known" });
  expect(await inbox.take()).toEqual({
    delivery: { id: "72d3162e-cc78-11e3-81ab-4c9367dc0958", name: "ping", payload: JSON.parse(BODY) },
    attempt: 1,
  });
  expect(await inbox.take()).toBeUndefined();
});

test("every example of GitHub arrives unchanged", async () => {
  const { port, inbox } = await openServer();
  const all = EXAMPLES.flatMap(({ name, examples }) => examples.map((payload) => ({ name, payload })));
  expect(all.length).toBeGreaterThan(200);
  const sent: Delivery[] = [];
  for (const [n, { name, payload }] of all.entries()) {
    const headers = { "x-github-delivery": `example-${n}`, "x-github-event": name };
    expect(await deliver(port, JSON.stringify(payload), headers)).toMatchObject({ status: 202 });
    sent.push({ id: `example-${n}`, name, payload });
  }
  const received: Delivery[] = [];
  for (let taken = await inbox.take(); taken; taken = await inbox.take()) {
    received.push(taken.delivery);
    inbox.done(taken.delivery.id);
  }
  const byId = (a: Delivery, b: Delivery) => (a.id < b.id ? -1 : 1);
  expect(received.toSorted(byId)).toEqual(sent.toSorted(byId));
});

test.each([
  ["no signature", { "x-hub-signature-256": "" }, 401],
  ["a signature with another secret", { "x-hub-signature-256": sign(BODY, "guessed") }, 401],
  ["the signature of another body", { "x-hub-signature-256": sign(`${BODY} `) }, 401],
  ["an old kind of signature", { "x-hub-signature-256": `sha1=${"0".repeat(40)}` }, 401],
  ["no delivery id", { "x-github-delivery": "" }, 400],
  ["a delivery id that is a path", { "x-github-delivery": "../../etc/passwd" }, 400],
  ["no event", { "x-github-event": "" }, 400],
  ["a form", { "content-type": "application/x-www-form-urlencoded" }, 415],
])("%s is turned away, and nothing is kept", async (_what, headers, status) => {
  const { port, inbox } = await openServer();
  expect(await deliver(port, BODY, headers)).toMatchObject({ status });
  expect(inbox.stats().waiting).toBe(0);
});

test.each(["", "no json", "[]", '"text"', "null"])("the signed body %j is not a payload", async (body) => {
  const { port, inbox } = await openServer();
  const { status } = await deliver(port, body);
  expect(status).toBe(body === "" ? 401 : 400);
  expect(inbox.stats().waiting).toBe(0);
});

test("invalid UTF-8 does not pass with the signature of its replacement characters", async () => {
  const { port } = await openServer();
  const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
  expect(await deliver(port, body)).toMatchObject({ status: 401 });
});

test("a body that is too long is rejected, with or without a content length", async () => {
  const { port, inbox } = await openServer({ maxBodyBytes: 100 });
  const body = JSON.stringify({ text: "x".repeat(200) });
  const headers = { "content-length": String(body.length) };
  expect(await deliver(port, body, headers)).toMatchObject({ status: 413 });
  expect(await deliver(port, body)).toMatchObject({ status: 413 });
  expect(inbox.stats().waiting).toBe(0);
});

test("the total size of concurrent bodies is limited", async () => {
  const { port } = await openServer({ maxBodyBytes: 1000, maxTotalBytes: 100 });
  const body = JSON.stringify({ text: "x".repeat(200) });
  expect(await deliver(port, body)).toMatchObject({ status: 503 });
  // The memory of rejected bodies is released.
  expect(await deliver(port, BODY)).toMatchObject({ status: 202 });
});

test("a delivery that cannot be stored is not confirmed, and readiness fails until one can be stored", async () => {
  let fails = true;
  const { waiting, working, failed } = { waiting: 0, working: 0, failed: [] };
  const inbox = {
    accept: () => (fails ? Promise.reject(new Error("no space left")) : Promise.resolve("new" as const)),
    stats: () => ({ waiting, working, failed }),
  };
  const { port, warned } = await openServer({ inbox });
  const ready = () => ask({ port, path: "/readyz" });
  expect(await ready()).toMatchObject({ status: 200 });
  expect(await deliver(port, BODY)).toMatchObject({ status: 503 });
  expect(warned).toEqual([expect.stringContaining("no space left")]);
  expect(await ready()).toMatchObject({ status: 503 });
  fails = false;
  expect(await deliver(port, BODY)).toMatchObject({ status: 202 });
  expect(await ready()).toMatchObject({ status: 200 });
});

test("health and readiness are public; dead letters are listed without their reasons", async () => {
  const { port, inbox } = await openServer();
  expect(await ask({ port, path: "/healthz" })).toEqual({ status: 200, text: "ok" });
  await deliver(port, BODY);
  await inbox.take();
  await inbox.giveUp("72d3162e-cc78-11e3-81ab-4c9367dc0958", "private words");
  const { status, text } = await ask({ port, path: "/readyz" });
  expect(status).toBe(200);
  expect(text).not.toContain("private");
  expect(JSON.parse(text)).toMatchObject({
    ready: true,
    waiting: 0,
    working: 0,
    failed: [{ id: "72d3162e-cc78-11e3-81ab-4c9367dc0958", name: "ping" }],
  });
});

test("an idle connection does not block the shutdown", async () => {
  const { server, port } = await openServer({ graceMs: 20 });
  const socket = connect(port, "127.0.0.1");
  const cut = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve) =>
    socket.write(`POST ${WEBHOOK_PATH} HTTP/1.1\r\nHost: x\r\n`, () => resolve()),
  );
  // The server has the connection once it answered a later request.
  await ask({ port, path: "/healthz" });
  await server.close();
  await cut;
});

test("other paths are not found", async () => {
  const { port } = await openServer();
  expect(await ask({ port, path: "/" })).toMatchObject({ status: 404 });
  expect(await ask({ port, path: "/probot/setup" })).toMatchObject({ status: 404 });
  expect(await ask({ port, path: WEBHOOK_PATH })).toMatchObject({ status: 405 });
  expect(await ask({ port, path: "/readyz", method: "POST" })).toMatchObject({ status: 404 });
});
