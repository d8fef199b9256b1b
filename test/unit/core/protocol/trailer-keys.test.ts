import { describe, expect, it } from "vitest";
import {
  HEAD_KEYS,
  isCopied,
  isForbiddenToScripts,
  isKeptOnChange,
  isMeasured,
  isReserved,
  isSameKey,
  KEY,
} from "../../../../src/core/protocol/trailer-keys.ts";

describe("trailer keys", () => {
  it("are compared case-insensitively", () => {
    expect(isSameKey("not-before", KEY.notBefore)).toBe(true);
    expect(isSameKey("Not-Before-", KEY.notBefore)).toBe(false);
    expect(["STATE", "answers", "TTL-ms"].map(isReserved)).toEqual([true, true, true]);
  });

  it("are reserved if they belong to the protocol", () => {
    expect([KEY.state, KEY.answers, KEY.event, KEY.aynig].map(isReserved)).toEqual([true, true, true, true]);
    expect([KEY.priority, KEY.owns, KEY.refs, "Labels"].map(isReserved)).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it("are forbidden to scripts if they are reserved or limit what a script may do", () => {
    expect([KEY.state, KEY.owns, KEY.budget, KEY.approves].map(isForbiddenToScripts)).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([KEY.priority, "Labels"].map(isForbiddenToScripts)).toEqual([false, false]);
  });

  it("are copied to the response unless they describe one commit or the runner writes them itself", () => {
    expect([KEY.priority, KEY.refs, "Labels", "Fixes"].map(isCopied)).toEqual([true, true, true, true]);
    const others = [KEY.state, KEY.owns, KEY.dependsOn, KEY.changeId, "Signed-off-by", "Reviewed-By"];
    expect(others.filter(isCopied)).toEqual([]);
  });

  it("are kept on a changed request, or excluded from a comparison, as defined in their table", () => {
    expect([KEY.priority, KEY.refs, KEY.state, "Labels"].map(isKeptOnChange)).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([KEY.run, KEY.cost, KEY.branch, "Labels"].map(isMeasured)).toEqual([true, true, false, false]);
  });

  it("can be looked up in lower case if they are read from branch heads", () => {
    expect(HEAD_KEYS.get("depends-on")).toBe("dependsOn");
    expect(HEAD_KEYS.get("Depends-On")).toBeUndefined();
    expect(HEAD_KEYS.get("cost")).toBeUndefined();
  });
});
