import { expect, test } from "vitest";
import { must } from "../../support/builders/generated-snapshots.ts";
import { identityNotices } from "../../../src/app/doctor-identity.ts";
import { parseWorkflow } from "../../../src/core/workflow/workflow-file.ts";

const notices = (text: string, canAsk = true) =>
  identityNotices(must(parseWorkflow(text).workflow), canAsk).map(({ what, next }) => `${what} | ${next}`);

test("doctor is silent where everybody can be proven", () => {
  expect(notices("people: { leads: [ann@x.example] }\nstates: { a: { by: leads } }", false)).toEqual([]);
  const mail = "7+ann@users.noreply.github.com";
  expect(
    notices(`proof: pusher\non-behalf: [3]\npeople: { leads: [${mail}] }\nstates: { a: { by: leads } }`),
  ).toEqual([]);
});

test("doctor says whom nothing proves, once each, and that nobody can be asked", () => {
  const wait = '"approvals 1 by bob@x.example,leads or approvals 2 by leads"';
  const text = [
    "proof: pusher",
    "people: { leads: [ann@x.example] }",
    `states: { a: { by: [leads, ann@x.example], wait: ${wait}, deadline: 1d, otherwise: failed } }`,
  ].join("\n");
  expect(notices(text, false)).toEqual([
    expect.stringMatching(/Trailhand cannot ask GitHub who pushed.* \| GITHUB_TOKEN=<token> trailhand run /),
    expect.stringMatching(/^ann@x\.example is nobody to `proof: pusher`: write 123\+login@/),
    expect.stringMatching(/^bob@x\.example is nobody to /),
  ]);
});

test("doctor says that speakers mean nothing where nobody is asked who pushed", () => {
  expect(notices("proof: signature\non-behalf: [3]\nstates: { a: {} }")).toEqual([
    "`on-behalf` does nothing with `proof: signature` | say `proof: pusher` in states/workflow.yml",
  ]);
});
