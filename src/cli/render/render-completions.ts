/** Renders completion scripts for shells from the commands. */
import type { CommandSyntax, Offer } from "../command.ts";
import { COMMON } from "../options.ts";

type Commands = readonly CommandSyntax[];

export const SHELLS = ["bash", "zsh", "fish"] as const;
type Shell = (typeof SHELLS)[number];

export function renderCompletions(shell: Shell, commands: Commands): string {
  return { bash: renderBash, zsh: renderZsh, fish: renderFish }[shell](commands);
}

const namesOf = (commands: Commands): string => commands.map(({ name }) => name).join(" ");

/** Shell commands that list the words of an offer. */
const sourcesOf = (commands: Commands): Readonly<Record<Offer, string>> => ({
  branch: "git for-each-ref --format='%(refname:short)' refs/heads 2>/dev/null",
  state: `trailhand graph --json 2>/dev/null | sed -n 's/^    "\\(.*\\)": {$/\\1/p'`,
  pack: `trailhand packs --json 2>/dev/null | sed -n 's/^      "name": "\\(.*\\)",$/\\1/p'`,
  shell: `echo ${SHELLS.join(" ")}`,
  command: `echo ${namesOf(commands)}`,
});

const optionNames = ({ options = [] }: CommandSyntax): string =>
  [...options, ...COMMON].map(({ name }) => `--${name}`).join(" ");

function renderBash(commands: Commands): string {
  const sources = sourcesOf(commands);
  const offer = (pattern: string, offered: Offer): string =>
    `    ${pattern}) COMPREPLY=($(compgen -W "$(${sources[offered]})" -- "$word")) ;;`;
  const options = commands.map((command) => `    ${command.name}) options="${optionNames(command)}" ;;`);
  const values = commands.flatMap((command) =>
    (command.options ?? []).flatMap(({ name, short, offers }) => {
      if (!offers) return [];
      const flags = [`--${name}`, ...(short === undefined ? [] : [`-${short}`])];
      return [offer(flags.map((flag) => `${command.name}:${flag}:*`).join("|"), offers)];
    }),
  );
  const words = commands.flatMap(({ name, arguments: args = [] }) => {
    const offers = args.flatMap(({ offers: offered }) => offered ?? []);
    return offers[0] ? [offer(`${name}:*`, offers[0])] : [];
  });
  return `_trailhand() {
  local at=1 word="\${COMP_WORDS[COMP_CWORD]}" last="\${COMP_WORDS[COMP_CWORD-1]}" command="" options=""
  case "\${COMP_WORDS[1]}" in -C|--directory) at=3 ;; esac
  command="\${COMP_WORDS[at]}"
  COMPREPLY=()
  case "$last" in -C|--directory) COMPREPLY=($(compgen -d -- "$word")); return ;; esac
  if [ "$COMP_CWORD" -eq "$at" ]; then
    COMPREPLY=($(compgen -W "${namesOf(commands)}" -- "$word"))
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

const renderZsh = (commands: Commands): string => `#compdef trailhand
autoload -U +X bashcompinit && bashcompinit
${renderBash(commands)}`;

function renderFish(commands: Commands): string {
  const sources = sourcesOf(commands);
  const lines = commands.flatMap(({ name, what, options = [], arguments: args = [] }) => {
    const after = `complete -c trailhand -n '__fish_seen_subcommand_from ${name}'`;
    return [
      `complete -c trailhand -n __fish_use_subcommand -a ${name} -d '${quote(what)}'`,
      ...[...options, ...COMMON].map((option) => {
        const short = option.short === undefined ? "" : ` -s ${option.short}`;
        const value = option.value === undefined ? "" : " -r";
        return `${after} -l ${option.name}${short}${value} -d '${quote(option.what)}'`;
      }),
      ...args.flatMap(({ offers }) => (offers ? [`${after} -a "(${fishSource(sources[offers])})"`] : [])),
    ];
  });
  return ["complete -c trailhand -f", ...lines].join("\n");
}

const quote = (text: string): string => text.replaceAll("'", "\\'");

/** Fish takes a line for a candidate, so a list of words is split into lines. */
const fishSource = (source: string): string =>
  source.startsWith("echo ") ? `string split ' ' '${source.slice(5)}'` : source.replaceAll(/["$]/g, "\\$&");
