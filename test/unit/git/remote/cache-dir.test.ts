import { describe, expect, it } from "vitest";
import { requireAddress } from "../../../../src/git/remote/cache-dir.ts";

const setting = (key: string, value: string) => ({ scope: "local", key, value });
const at = (wanted: string, ...settings: ReturnType<typeof setting>[]) =>
  requireAddress(wanted, settings, "/home/ann/work");

describe("the address of a remote", () => {
  it.each([
    ["git@github.com:team/project.git", "git@github.com:team/project.git"],
    ["host:project", "host:project"],
    ["https://example.com/a.git", "https://example.com/a.git"],
    ["[::1]:a.git", "[::1]:a.git"],
    ["../a.git", "/home/ann/a.git"],
    ["./a:b", "/home/ann/work/a:b"],
    ["/srv/a.git", "/srv/a.git"],
    ["~/a.git", "~/a.git"],
  ])("%s is %s", (url, found) => {
    expect(at("origin", setting("remote.origin.url", url)).fetch).toBe(found);
    expect(at(url).fetch).toBe(found);
  });

  it("is the first URL, and pushes go where the remote says", () => {
    const urls = ["remote.o.url", "remote.o.url"].map((key, n) => setting(key, `https://h/${n}`));
    expect(at("o", ...urls)).toEqual({ name: "o", fetch: "https://h/0", push: "https://h/0" });
    expect(at("o", ...urls, setting("remote.o.pushurl", "h:p")).push).toBe("h:p");
  });

  it("is shown without its password, and a wrong name with the right ones", () => {
    expect(at("https://ann:secret@h/a.git").name).toBe("https://h/a.git");
    expect(() => at("orgin", setting("remote.origin.url", "h:a"))).toThrow(
      /no remote "orgin".*Known: origin/,
    );
  });
});
