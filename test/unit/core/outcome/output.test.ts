import { describe, expect, it } from "vitest";
import { readOutput, readSetState } from "../../../../src/core/outcome/output.ts";

const retryAfter = (text: string) => {
  const reading = readOutput(`retry-after=${text}`);
  return "output" in reading ? reading.output["retry-after"] : reading.problem;
};

const problem = (text: string) => {
  const reading = readOutput(text);
  return "problem" in reading ? reading.problem : "";
};

describe("the output file", () => {
  it("may be empty", () => {
    expect(readOutput(" \n\n")).toEqual({ output: { trailers: [] } });
  });

  it("contains key=value lines", () => {
    expect(readOutput("state=review\r\nsubject=a=b\n\ncost=0.12\ntokens=1200\nmodel=m\n")).toEqual({
      output: { state: "review", subject: "a=b", cost: 0.12, tokens: 1200, model: "m", trailers: [] },
    });
  });

  it("contains multi-line values between key<<END and END", () => {
    expect(readOutput("summary<<END\none\n\nstate=not this\nEND\nstate=done\n")).toEqual({
      output: { summary: "one\n\nstate=not this", state: "done", trailers: [] },
    });
    expect(readOutput("summary<<END\none\n")).toEqual({ problem: '"summary<<END" is not closed' });
  });

  it("may be JSON", () => {
    const trailers = { Refs: "#12" };
    expect(readOutput(JSON.stringify({ state: "done", cost: 1, trailers }))).toEqual({
      output: { state: "done", cost: 1, trailers: [{ key: "Refs", value: "#12" }] },
    });
    expect(readOutput("{oops")).toMatchObject({
      problem: expect.stringContaining("not valid JSON") as string,
    });
  });

  it("accepts trailers as lines, as a list or as an object", () => {
    const output = { trailers: [{ key: "Refs", value: "#12" }] };
    expect(readOutput("trailers=Refs: #12")).toEqual({ output });
    expect(readOutput(JSON.stringify(output))).toEqual({ output });
    expect(readOutput("trailers=no trailer")).toEqual({
      problem: '"trailers": "no trailer" is not a trailer',
    });
  });

  it("accepts retry-after in seconds or as a duration, up to a week", () => {
    expect(retryAfter("90")).toBe(90_000);
    expect(retryAfter("5m")).toBe(300_000);
    expect(retryAfter("9".repeat(30))).toBe(7 * 86_400_000);
    expect(retryAfter("soon")).toContain('"soon" is not a valid duration');
  });

  it("is rejected with the reason", () => {
    expect(problem("stat=done")).toBe('unknown key "stat"; did you mean "state"?');
    expect(problem("constructor=x")).toBe('unknown key "constructor"');
    expect(problem('{"__proto__": {"state": "x"}}')).toBe('unknown key "__proto__"');
    expect(problem("state=a\nstate=b")).toBe('"state" has two values');
    expect(problem("ok\n")).toContain("line 1");
    expect(problem("state=a\n\nwhat is this")).toContain("line 3");
    expect(problem("cost=-1")).toContain('"cost"');
    expect(problem("cost=")).toContain("is not a number");
    expect(problem('{"state": 5}')).toContain('"state"');
    expect(problem('{"trailers": {"two words": "x"}}')).toContain("not a valid trailer key");
    expect(problem("trailers=STATE: done")).toBe('the trailer "STATE" is reserved: scripts may not write it');
  });
});

describe("SET_STATE", () => {
  it("is read from the last such line, and its body is the summary", () => {
    const stdout =
      'SET_STATE {"state":"old"}\nlog\nSET_STATE {"state":"done","subject":"s","body":"b"}\nend\n';
    expect(readSetState(stdout)).toEqual({
      output: { state: "done", subject: "s", summary: "b", trailers: [] },
    });
  });

  it("may be missing, and is rejected if it is broken or has a reserved trailer", () => {
    expect(readSetState("no such line\n SET_STATE {}")).toBeUndefined();
    expect(readSetState("SET_STATE {oops")).toHaveProperty("problem");
    expect(readSetState('SET_STATE {"trailers":[{"key":"Run","value":"x"}]}')).toHaveProperty("problem");
  });
});
