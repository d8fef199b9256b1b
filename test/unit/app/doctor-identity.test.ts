import { expect, test } from "vitest";
import { must } from "../../support/builders/generated-snapshots.ts";
import { identityFindings } from "../../../src/app/doctor-identity.ts";
import { parseWorkflow } from "../../../src/core/workflow/workflow-file.ts";

const findings = (text: string, canAsk = true) =>
  identityFindings(must(parseWorkflow(text).workflow), canAsk).map(({ what, next }) => `${what} | ${next}`);

test("doctor reports nothing when every person can be proven", () => {
  expect(findings("people: { leads: [ann@x.example] }\nstates: { a: { by: leads } }", false)).toEqual([]);
  const mail = "7+ann@users.noreply.github.com";
  expect(
    findings(`proof: pusher\non-behalf: [3]\npeople: { leads: [${mail}] }\nstates: { a: { by: leads } }`),
  ).toEqual([]);
});

test("doctor reports each unprovable address once, and that GitHub cannot be asked", () => {
  const wait = '"approvals 1 by bob@x.example,leads or approvals 2 by leads"';
  const text = [
    "proof: pusher",
    "people: { leads: [ann@x.example] }",
    `states: { a: { by: [leads, ann@x.example], wait: ${wait}, deadline: 1d, otherwise: failed } }`,
  ].join("\n");
  expect(findings(text, false)).toEqual([
    expect.stringMatching(/Trailhand cannot ask GitHub who pushed.* \| GITHUB_TOKEN=<token> trailhand run /),
    expect.stringMatching(/^ann@x\.example cannot be proven by `proof: pusher`: write 123\+login@/),
    expect.stringMatching(/^bob@x\.example cannot be proven by /),
  ]);
});

test("doctor reports that `on-behalf` has no effect without `proof: pusher`", () => {
  expect(findings("proof: signature\non-behalf: [3]\nstates: { a: {} }")).toEqual([
    "`on-behalf` has no effect with `proof: signature` | set `proof: pusher` in states/workflow.yml",
  ]);
});
