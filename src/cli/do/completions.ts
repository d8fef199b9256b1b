/** `trailhand completions`: scripts for shells, made from the table of commands. */
import { EXIT_CODE, UserError, MESSAGES } from "../../core/messages/messages.ts";
import { COMMANDS, COMMON, type Offer } from "../commands.ts";
import type { CommandRun } from "../call.ts";

export const run: CommandRun = async ({ input, terminal }) => {
  const shell = input.arguments[0] ?? "";
  const make = { bash, zsh, fish }[shell];
  if (!make)
    throw new UserError(
      MESSAGES.badOption("completions", `${JSON.stringify(shell)} is none of bash, zsh, fish.`),
    );
  terminal.print(make());
  return EXIT_CODE.done;
};

const names = COMMANDS.map(({ name }) => name).join(" ");

/** What a shell runs to list the words that an offer stands for. */
const SOURCES: Readonly<Record<Offer, string>> = {
  branch: "git for-each-ref --format='%(refname:short)' refs/heads 2>/dev/null",
  state: `trailhand graph --json 2>/dev/null | sed -n 's/^    "\\(.*\\)": {$/\\1/p'`,
  pack: `trailhand packs --json 2>/dev/null | sed -n 's/^      "name": "\\(.*\\)",$/\\1/p'`,
  shell: "echo bash zsh fish",
  command: `echo ${names}`,
};

function optionsOf(name: string): string[] {
  const command = COMMANDS.find((one) => one.name === name);
  return [...(command?.options ?? []), ...COMMON].map((option) => `--${option.name}`);
}

/** One case of a shell's `case`: where the pattern fits, the words of the offer are shown. */
const offer = (pattern: string, what: Offer): string =>
  `    ${pattern}) COMPREPLY=($(compgen -W "$(${SOURCES[what]})" -- "$word")) ;;`;

function bash(): string {
  const options = COMMANDS.map(({ name }) => `    ${name}) options="${optionsOf(name).join(" ")}" ;;`);
  const values = COMMANDS.flatMap((command) =>
    (command.options ?? []).flatMap(({ name, short, offers }) => {
      if (!offers) return [];
      const flags = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
      return [offer(flags.map((flag) => `${command.name}:${flag}:*`).join("|"), offers)];
    }),
  );
  const words = COMMANDS.flatMap(({ name, arguments: [first] = [] }) =>
    first?.offers ? [offer(`${name}:*`, first.offers)] : [],
  );
  return `_trailhand() {
  local at=1 word="\${COMP_WORDS[COMP_CWORD]}" last="\${COMP_WORDS[COMP_CWORD-1]}" command="" options=""
  case "\${COMP_WORDS[1]}" in -C|--directory) at=3 ;; esac
  command="\${COMP_WORDS[at]}"
  COMPREPLY=()
  case "$last" in -C|--directory) COMPREPLY=($(compgen -d -- "$word")); return ;; esac
  if [ "$COMP_CWORD" -eq "$at" ]; then
    COMPREPLY=($(compgen -W "${names}" -- "$word"))
    return
  fi
  case "$command" in
${options.join("\n")}
  esac
  case "$command:$last:$word" in
${values.join("\n")}
    *:-*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
${words.join("\n")}
  esac
}
complete -F _trailhand trailhand`;
}

function zsh(): string {
  return `#compdef trailhand
autoload -U +X bashcompinit && bashcompinit
${bash()}`;
}

function fish(): string {
  const lines = COMMANDS.flatMap(({ name, what, options, arguments: args }) => [
    `complete -c trailhand -n __fish_use_subcommand -a ${name} -d '${what.replaceAll("'", "\\'")}'`,
    ...[...(options ?? []), ...COMMON].map(
      (option) =>
        `complete -c trailhand -n '__fish_seen_subcommand_from ${name}' -l ${option.name}${option.short ? ` -s ${option.short}` : ""}${option.value ? " -r" : ""} -d '${option.what.replaceAll("'", "\\'")}'`,
    ),
    ...(args ?? []).flatMap(({ offers }) =>
      offers
        ? [`complete -c trailhand -n '__fish_seen_subcommand_from ${name}' -a "(${fishSource(offers)})"`]
        : [],
    ),
  ]);
  return ["complete -c trailhand -f", ...lines].join("\n");
}

/** A list of words in one line is one candidate in fish, so it is broken into lines. */
const fishSource = (offers: Offer): string =>
  SOURCES[offers].startsWith("echo ")
    ? `string split ' ' '${SOURCES[offers].slice(5)}'`
    : SOURCES[offers].replaceAll(/["$]/g, "\\$&");
