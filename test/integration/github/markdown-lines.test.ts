/** Finds the command lines of a comment; code, quotes, HTML and lists never count. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandLines } from "../../../src/github/commands/markdown-lines.ts";

const ASKED = "/retry";
const asks = (text: string): boolean => commandLines(text).includes(ASKED);

describe("a command counts", () => {
  it.each([
    ["alone", "/retry"],
    ["after prose", "It failed again.\n/retry"],
    ["before prose", "/retry\nIt was the network."],
    ["with line ends of Windows", "It failed.\r\n\r\n/retry\r\n"],
    ["with line ends of old", "It failed.\r/retry\r"],
    ["after a quote that ended", "> it failed\n\n/retry"],
    ["after closed code", "```\nnpm test\n```\n/retry"],
    ["after code with other ticks inside", "````\n```\n````\n/retry"],
    ["after code of tildes", "~~~ sh\n```\n~~~\n/retry"],
    ["after code in a list", "- run:\n\n  ```\n  npm test\n  ```\n\n/retry"],
    ["after code that begins a list", "- ```\n  npm test\n  ```\n\n/retry"],
    ["after inline code", "see `npm test`\n/retry"],
    ["after a tick that stands alone", "it's the ` key\n/retry"],
    ["after a comment", "<!-- a note -->\n\n/retry"],
    ["after a comment of many lines", "<!--\n\na note\n-->\n\n/retry"],
    ["after folded text", "<details>\n<summary>log</summary>\n\n```\nx\n```\n\n</details>\n\n/retry"],
    ["after an element with code", "<pre>\nx\n</pre>\n\n/retry"],
    ["after less-than signs", "1 < 2 and 2 <3\n/retry"],
  ])("%s", (_, text) => expect(asks(text)).toBe(true));
});

describe("a command does not count", () => {
  it.each([
    ["in fenced code", "```\n/retry\n```"],
    ["in fenced code with a word", "```sh\n/retry\n```"],
    ["in code of tildes", "~~~\n/retry\n~~~"],
    ["in code that is never closed", "```\n\n/retry"],
    ["in code that shorter ticks do not close", "````\n```\n/retry\n````"],
    ["in code that other marks do not close", "```\n~~~\n/retry\n```"],
    ["in code whose end has words", "```\n``` no\n/retry\n```"],
    ["in code whose end is indented too far", "```\n    ```\n/retry\n```"],
    ["in code whose end is behind a tab", "```\n\t```\n/retry\n```"],
    ["in code of a list", "- a\n\n  ```\n/retry\n  ```"],
    ["in code that a list leaves open", "- ```\n  a\n```\n/retry\n```"],
    ["in code behind code of a list with other marks", "    ~~~\n  ```\n    ~~~\n/retry\n  ```"],
    ["in code behind folded text that shows ticks", "<details>\n```\nfoo\n\n```\n/retry\n```"],
    ["in indented code", "a\n\n    /retry"],
    ["behind a tab", "a\n\n\t/retry"],
    ["in a list", "- a\n  /retry"],
    ["in a quote", "> /retry"],
    ["in a quote that goes on", "> a\n/retry"],
    ["in a quote within a list", "- > a\n/retry"],
    ["in a quote within a quote", "> > a\n> /retry"],
    ["in a comment", "<!-- /retry -->"],
    ["in a comment of many lines", "<!--\n/retry\n-->"],
    ["in a comment with blank lines", "<!--\n\n/retry\n\n-->"],
    ["in a comment with code", "<!--\n```\n-->\n```\n\n/retry"],
    ["in a comment that begins behind words", "a <!--\n/retry\n-->"],
    ["in a comment that is never closed", "a <!-- b\n\n/retry"],
    ["in inline code", "`/retry`"],
    ["in inline code of many lines", "see `a\n/retry\nb` there"],
    ["in inline code of two ticks", "see ``a ` b\n/retry\n`` there"],
    ["in an element that shows text", "<pre>\n\n/retry\n\n</pre>"],
    ["in a quote that is an element", "<blockquote>\n\n/retry\n\n</blockquote>"],
    ["in an attribute", '<img alt="\n/retry\n">'],
    ["in an attribute behind words", 'see <a title="\n/retry\n">this</a>'],
    ["in an attribute with an angle", 'see <a title=">\n/retry\n">this</a>'],
    ["with a comment behind it", "/retry <!-- a -->"],
    ["cut by a NUL", "`\0`\n`/retry`"],
  ])("%s", (_, text) => expect(asks(text)).toBe(false));
});

it.each([
  "/request fix the `limit` of <div>, not a < b",
  "/request fix ``a ` b`` and `c`",
  "@trailhand request fix `a`",
])("%j counts, including its inline code", (text) => {
  expect(commandLines(`see \`x\`\n${text}\nand \`y\``)).toContain(text);
});

it.each(["/request fix `a\nb`", "/request <pre>a</pre>", "/request a <!-- b -->", "`a` /retry"])(
  "%j does not count: a part of it starts before it, ends after it, or is hidden",
  (text) => expect(commandLines(text).filter((one) => one.startsWith("/"))).toEqual([]),
);

const line = fc.oneof(
  fc.constantFrom(ASKED, "", "a", "```", "~~~", "````", "> q", "<!--", "-->", "- ```", "  ```", "    x"),
  fc.constantFrom(
    "`",
    "a ` b",
    "``",
    "<pre>",
    "</pre>",
    "<details>",
    "1. a",
    "<a",
    "\t```",
    "   ~~~",
    "``` x",
  ),
);
const lines = (most: number) => fc.array(line, { maxLength: most });

describe("in any surrounding text", () => {
  it("a fence hides its content until it is closed", () => {
    const plain = fc.array(fc.constantFrom("a", "", "see `x`", "- a", "> q", "<!-- a -->", "1 < 2"), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(plain, fc.constantFrom("`", "~"), lines(8), lines(4), (above, mark, inside, more) => {
        const open = [...above, "", mark.repeat(5), ...inside, ASKED, ...more];
        expect(asks(open.join("\n"))).toBe(false);
        expect(asks([...open, mark.repeat(5), ASKED].join("\n"))).toBe(true);
      }),
    );
  });

  it("only whole lines are returned, in their order", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          lines(20).map((all) => all.join("\n")),
          fc.string(),
        ),
        (text) => {
          const all = text.replaceAll("\0", "").replace(/\r\n?/g, "\n").split("\n");
          let from = 0;
          for (const spoken of commandLines(text)) {
            const at = all.indexOf(spoken, from);
            expect(at).toBeGreaterThanOrEqual(0);
            from = at + 1;
          }
        },
      ),
    );
  });

  it("the kind of line ends makes no difference", () => {
    fc.assert(
      fc.property(lines(20), (all) => {
        expect(commandLines(all.join("\r\n"))).toEqual(commandLines(all.join("\n")));
      }),
    );
  });

  it("a quoted, indented or inline code line never counts", () => {
    const wrap = fc.constantFrom(
      (text: string) => `> ${text}`,
      (text: string) => `    ${text}`,
      (text: string) => `\`${text}\``,
      (text: string) => `- ${text}`,
      (text: string) => `<!-- ${text} -->`,
    );
    fc.assert(
      fc.property(lines(8), wrap, lines(8), (above, how, below) => {
        const plain = (all: readonly string[]) => all.filter((one) => one !== ASKED);
        expect(asks([...plain(above), how(ASKED), ...plain(below)].join("\n"))).toBe(false);
      }),
    );
  });
});

describe("a text of a megabyte", () => {
  // Each shape would make a badly written search quadratic.
  const shapes = [
    "`",
    "` ``",
    "<",
    "<a",
    "<!--",
    "<pre>",
    "<pre></pre>",
    "<!---->",
    "> ",
    "- ",
    "1. ",
    " ",
    "\n",
  ];
  it.each([...shapes, "`\n", "<a\n", "~~~\n", "- ```\n", "```a\n", "a `b\n"])(
    "made of %j is read in one pass",
    (part) => {
      const text = `a ${part.repeat(Math.ceil(1_000_000 / part.length))}`;
      expect(commandLines(text, text.length).length).toBeLessThanOrEqual(text.length);
    },
  );

  it("is read up to GitHub's limit", () => {
    expect(asks(`${"a\n".repeat(32_700)}/retry`)).toBe(true);
    expect(asks(`${"a\n".repeat(40_000)}/retry`)).toBe(false);
  });
});
