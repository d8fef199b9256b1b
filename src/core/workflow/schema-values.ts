/** The kinds of values in `states/workflow.yml`, each with an error in plain English. */
import * as z from "zod";
import { parseDuration } from "../util/duration.ts";
import { HEADS, parseBranch, parseStateName } from "../protocol/ids.ts";
import { expected, expectedOne } from "../messages/schema-errors.ts";
import { FORMS, parsePredicate } from "./wait.ts";

/** A more specific error than the name of the expected type. */
export const wanted = (what: string) => ({
  error: ({ input }: { input?: unknown }) => expected(what, input),
});
export const duration = z.string(wanted("a duration such as 30s, 5m or 1h30m")).transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  context.addIssue({ code: "custom", message: `"${text}" is not a valid duration; write 30s, 5m or 1h30m` });
  return z.NEVER;
});
/** Ref folders that other programs use too. */
const SHARED_ROOTS = new Set([HEADS.slice(0, -1), "refs/tags", "refs/remotes", "refs/notes", "refs/pull"]);
export const count = (low: number, high: number) => z.int().min(low).max(high);
export const name = z.string().refine((text) => parseStateName(text) !== undefined, {
  error: "a state name consists of lower-case letters, digits, '.', '_' and '-', at most 64 characters",
});

/** A lane's name is part of a ref name, which must not end in `.lock` (git-check-ref-format(1)). */
export const lane = z
  .string()
  .refine((text) => parseStateName(text) !== undefined && !text.endsWith(".lock"), {
    error:
      "a lane's name consists of lower-case letters, digits, '.', '_' and '-', at most 64 characters, and must not end in .lock",
  });

export const names = z.union([name.transform((one) => [one]), z.array(name)]);
export const list = z.union([
  z
    .string()
    .min(1)
    .transform((one) => [one]),
  z.array(z.string().min(1)),
]);
export const amount = z.number().positive();
export const variable = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, wanted("the name of an environment variable"));
/** True, false or one word. */
export const orWord = <const Word extends string>(word: Word) =>
  z.union([z.boolean(), z.enum([word], { error: ({ input }) => expectedOne([true, false, word], input) })]);

const ACCOUNT = wanted("an account id, such as 123456");
export const accounts = z.array(
  z.int(ACCOUNT).positive(ACCOUNT),
  wanted("a list of account ids, such as [123456]"),
);
export const botId = z
  .string()
  .regex(
    /^[1-9]\d{0,14}$/,
    wanted("the id of a bot's account, as https://api.github.com/users/<name>%5Bbot%5D shows it"),
  );

/** A path below the top of the repository, in the notation of git. */
const broughtPath = z
  .string()
  .refine(
    (text) =>
      /^[^/\\\0]/.test(text) && !text.split("/").some((part) => ["", ".", "..", ".git"].includes(part)),
    wanted("the path of a file below the top of the repository, such as config/local.json"),
  );

export const broughtPaths = z.array(broughtPath, wanted("a list of files, such as [.env]"));
export const filterDrivers = z.array(
  z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, wanted("the name of a filter driver, such as lfs")),
  wanted("a list of filter drivers, such as [lfs]"),
);

/** Files and folders of the machine. */
export const machineFiles = z.array(
  z
    .string()
    .refine(
      (path) => /^(?:~\/|\/)[^\0\n]/.test(path) && !path.split("/").includes(".."),
      wanted("a path such as ~/.npmrc or /etc/tool.conf"),
    ),
  wanted("a list of files, such as [~/.npmrc]"),
);

/** Folders below the top of the repository. */
export const folders = z.array(
  z
    .string()
    .transform((text) => text.replace(/\/+$/, ""))
    .refine((path) => path.split("/").every((part) => !["", ".", ".."].includes(part)), {
      error: "write a folder relative to the top of the repository, such as packages/web",
    }),
  wanted("a list of folders, such as [packages/web]"),
);

export const predicate = z.string().transform((text, context) => {
  const found = parsePredicate(text);
  if (found) return found;
  context.addIssue({ code: "custom", message: `"${text}" is not a valid wait; write ${FORMS}` });
  return z.NEVER;
});

export const prefix = z
  .string()
  .refine(
    (text) =>
      /^refs\/[^/]+\/[^/]/.test(`${text}/x`) && parseBranch(text) !== undefined && !SHARED_ROOTS.has(text),
    {
      error: "a prefix is a ref name such as refs/tags/trailhand, not a whole folder such as refs/tags",
    },
  );
