import { describe, expect, it } from "vitest";
import { UserError, RemoteUnreachable, MESSAGES } from "../../../../src/core/messages/messages.ts";
import { retryUnreachable } from "../../../../src/engine/loop/retry-remote.ts";
import type { Ports } from "../../../../src/engine/ports.ts";

const cut = () => new RemoteUnreachable("origin", "the line is cut");

/** A world where time passes only in sleep; `random` is what every draw gives. */
function worldOf(random: number) {
  const slept: number[] = [];
  let now = 5000;
  const clock: Ports["clock"] = {
    mono: () => now,
    wall: () => 0,
    sleep: async (ms) => {
      slept.push(ms);
      now += ms;
    },
  };
  const machine: Pick<Ports["machine"], "random"> = { random: () => random };
  return {
    ports: { clock, machine: machine as Ports["machine"] },
    slept,
    spend: (ms: number) => (now += ms),
  };
}

/** Fails so many times, then answers. */
function failing(times: number, error: () => Error = cut) {
  const calls = { count: 0 };
  const ask = async (): Promise<string> => {
    calls.count++;
    if (calls.count <= times) throw error();
    return "answer";
  };
  return { ask, calls };
}

describe("insist", () => {
  it("asks once when there is an answer", async () => {
    const { ports, slept } = worldOf(1);
    const { ask, calls } = failing(0);
    expect(await retryUnreachable(ports, 1000, ask)).toBe("answer");
    expect(calls.count).toBe(1);
    expect(slept).toEqual([]);
  });

  it("asks a remote that cannot be reached again, after longer and longer pauses", async () => {
    const { ports, slept } = worldOf(1);
    const { ask, calls } = failing(8);
    expect(await retryUnreachable(ports, 60_000, ask)).toBe("answer");
    expect(calls.count).toBe(9);
    expect(slept).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  it("spreads its pauses: down to half of each", async () => {
    const { ports, slept } = worldOf(0);
    await retryUnreachable(ports, 60_000, failing(8).ask);
    expect(slept).toEqual([50, 100, 200, 400, 800, 1600, 2500, 2500]);
  });

  it.each([new Error("disk full"), new UserError(MESSAGES.noClaim("a hook")), new TypeError("a mistake")])(
    "throws any other error at once: %s",
    async (error) => {
      const { ports, slept } = worldOf(1);
      const { ask, calls } = failing(1, () => error);
      await expect(retryUnreachable(ports, 60_000, ask)).rejects.toBe(error);
      expect(calls.count).toBe(1);
      expect(slept).toEqual([]);
    },
  );

  it("throws another error at once after a cut line, too", async () => {
    const { ports, slept } = worldOf(1);
    const errors = [cut(), new Error("disk full")];
    const { ask, calls } = failing(2, () => errors.shift() ?? cut());
    await expect(retryUnreachable(ports, 60_000, ask)).rejects.toThrow("disk full");
    expect([calls.count, slept]).toEqual([2, [100]]);
  });

  it("gives up with the last error when its time is over, and never sleeps past that", async () => {
    const { ports, slept } = worldOf(1);
    const errors: Error[] = [];
    const { ask } = failing(1000, () => {
      const error = cut();
      errors.push(error);
      return error;
    });
    const end = await retryUnreachable(ports, 1000, ask).catch((error: unknown) => error);
    expect(end).toBe(errors.at(-1));
    // 100 + 200 + 400 are 700; 800 more would end after 1000.
    expect(slept).toEqual([100, 200, 400]);
    expect(errors).toHaveLength(4);
  });

  it("counts the time that the asking takes", async () => {
    const { ports, slept, spend } = worldOf(1);
    const ask = async (): Promise<string> => {
      spend(600);
      throw cut();
    };
    await expect(retryUnreachable(ports, 1000, ask)).rejects.toBeInstanceOf(RemoteUnreachable);
    expect(slept).toEqual([100]);
  });

  it("asks once where there is no time at all", async () => {
    const { ports, slept } = worldOf(0);
    const { ask, calls } = failing(1);
    await expect(retryUnreachable(ports, 0, ask)).rejects.toBeInstanceOf(RemoteUnreachable);
    expect([calls.count, slept]).toEqual([1, []]);
  });
});
