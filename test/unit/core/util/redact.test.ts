import { describe, expect, it } from "vitest";
import { cleanLine, cleanText, redact } from "../../../../src/core/util/redact.ts";

describe("cleanText", () => {
  it("removes colours, titles, links and all other escape sequences", () => {
    expect(cleanText("\u001b[1;31mred\u001b[0m")).toBe("red");
    expect(cleanText("\u001b]0;title\u0007text \u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\")).toBe(
      "text link",
    );
    expect(cleanText("\u001b[2J\u001b[H\u001bcx")).toBe("cx");
    expect(cleanText("\u001b\u001b[31m[31mx")).not.toContain("\u001b");
  });

  it("keeps tabs and lines, and turns carriage returns into newlines", () => {
    expect(cleanText("a\tb\r\nc\r10%\r20%\u0000\u0008\u009b")).toBe("a\tb\nc\n10%\n20%");
  });

  it("removes characters that reorder text, and replaces lone surrogates", () => {
    expect(cleanText("a\u202eb\u2066c")).toBe("abc");
    expect(cleanText("a\ud83d b\ude00 😀")).toBe("a\ufffd b\ufffd 😀");
  });
});

describe("cleanLine", () => {
  it("makes one line, and cuts it between characters", () => {
    expect(cleanLine("  a\n\n b \tc\r\n")).toBe("a b c");
    expect(cleanLine("abcdef", 4)).toBe("abc…");
    expect(cleanLine("ab😀def", 4)).toBe("ab…");
  });
});

describe("redact", () => {
  const body = "aB3".repeat(20);
  it.each([
    `ghp_${body}`,
    `gho_${body}`,
    `github_pat_${body}`,
    `glpat-${body}`,
    `sk-proj-${body}`,
    "AKIAIOSFODNN7EXAMPLE",
    `xoxb-1234567890-${body}`,
    `npm_${body}`,
    `eyJ${body}.eyJ${body}.${body}`,
    `-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----`,
    `-----BEGIN PRIVATE KEY-----\n${body}`,
  ])("takes out %j, whatever stands around it", (secret) => {
    expect(redact(`token: ${secret}`)).toBe("token: [redacted]");
    expect(redact(`"${secret}"`)).not.toContain(body);
    expect(redact(`KEY=${secret}`)).not.toContain(body);
  });

  it("keeps words that only start like a credential", () => {
    const text = "ask-for-the-moon-and-some-stars, ghp_short, sk-short, AKIA";
    expect(redact(text)).toBe(text);
  });

  it("removes known values, longest first, unless they are as short as a word", () => {
    expect(redact("secret and secret-longer", ["secret", "secret-longer"])).toBe("[redacted] and [redacted]");
    expect(redact("yes", ["yes"])).toBe("yes");
  });
});
