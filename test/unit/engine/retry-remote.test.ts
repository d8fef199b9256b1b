import { describe, expect, it } from "vitest";
import { UserError, RemoteUnreachable, MESSAGES } from "../../../src/core/messages/messages.ts";
import { retryUnreachable } from "../../../src/engine/retry-remote.ts";

const unreachable = () => new RemoteUnreachable("origin", "the connection was reset");

/** Ports where time passes only in `sleep`, and every random number is `random`. */
function makePorts(random: number) {
  const slept: number[] = [];
  let now = 5000;
  const clock = {
    mono: () => now,
    sleep: async (ms: number) => {
      slept.push(ms);
      now += ms;
    },
  };
  return {
    ports: { clock, machine: { random: () => random } },
    slept,
    advance: (ms: number) => (now += ms),
  };
}

/** A call that fails `times` times, then succeeds. */
function failingCall(times: number, error: () => Error = unreachable) {
  const calls = { count: 0 };
  const call = async (): Promise<string> => {
    calls.count++;
    if (calls.count <= times) throw error();
    return "answer";
  };
  return { call, calls };
}

describe("retryUnreachable", () => {
  it("calls once on success", async () => {
    const { ports, slept } = makePorts(1);
    const { call, calls } = failingCall(0);
    expect(await retryUnreachable(ports, 1000, call)).toBe("answer");
    expect(calls.count).toBe(1);
    expect(slept).toEqual([]);
  });

  it("retries an unreachable remote with growing pauses", async () => {
    const { ports, slept } = makePorts(1);
    const { call, calls } = failingCall(8);
    expect(await retryUnreachable(ports, 60_000, call)).toBe("answer");
    expect(calls.count).toBe(9);
    expect(slept).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  it("shortens each pause by up to half at random", async () => {
    const { ports, slept } = makePorts(0);
    await retryUnreachable(ports, 60_000, failingCall(8).call);
    expect(slept).toEqual([50, 100, 200, 400, 800, 1600, 2500, 2500]);
  });

  it.each([
    new Error("disk full"),
    new UserError(MESSAGES.leaseNotWritable("a hook")),
    new TypeError("a bug"),
  ])("throws any other error at once: %s", async (error) => {
    const { ports, slept } = makePorts(1);
    const { call, calls } = failingCall(1, () => error);
    await expect(retryUnreachable(ports, 60_000, call)).rejects.toBe(error);
    expect(calls.count).toBe(1);
    expect(slept).toEqual([]);
  });

  it("throws another error at once, even after an unreachable remote", async () => {
    const { ports, slept } = makePorts(1);
    const errors = [unreachable(), new Error("disk full")];
    const { call, calls } = failingCall(2, () => errors.shift() ?? unreachable());
    await expect(retryUnreachable(ports, 60_000, call)).rejects.toThrow("disk full");
    expect([calls.count, slept]).toEqual([2, [100]]);
  });

  it("throws the last error when the time is over, and never sleeps past it", async () => {
    const { ports, slept } = makePorts(1);
    const errors: Error[] = [];
    const { call } = failingCall(1000, () => {
      const error = unreachable();
      errors.push(error);
      return error;
    });
    const end = await retryUnreachable(ports, 1000, call).catch((error: unknown) => error);
    expect(end).toBe(errors.at(-1));
    // 100 + 200 + 400 are 700; 800 more would end after 1000.
    expect(slept).toEqual([100, 200, 400]);
    expect(errors).toHaveLength(4);
  });

  it("counts the time that the calls take", async () => {
    const { ports, slept, advance } = makePorts(1);
    const call = async (): Promise<string> => {
      advance(600);
      throw unreachable();
    };
    await expect(retryUnreachable(ports, 1000, call)).rejects.toBeInstanceOf(RemoteUnreachable);
    expect(slept).toEqual([100]);
  });

  it("calls once without any time for retries", async () => {
    const { ports, slept } = makePorts(0);
    const { call, calls } = failingCall(1);
    await expect(retryUnreachable(ports, 0, call)).rejects.toBeInstanceOf(RemoteUnreachable);
    expect([calls.count, slept]).toEqual([1, []]);
  });
});
