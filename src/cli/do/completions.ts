/** `trailhand completions`: scripts for shells, made from the table of commands. */
import { EXIT, Fault, words } from "../../core/words.ts";
import { COMMANDS, COMMON } from "../commands.ts";
import type { Run } from "../call.ts";

export const run: Run = async ({ input, terminal }) => {
  const shell = input.arguments[0] ?? "";
  const make = { bash, zsh, fish }[shell];
  if (!make)
    throw new Fault(words.badOption("completions", `${JSON.stringify(shell)} is none of bash, zsh, fish.`));
  terminal.print(make());
  return EXIT.done;
};

const names = COMMANDS.map(({ name }) => name).join(" ");
const BRANCHES = "git for-each-ref --format='%(refname:short)' refs/heads 2>/dev/null";

function optionsOf(name: string): string[] {
  const command = COMMANDS.find((one) => one.name === name);
  return [...(command?.options ?? []), ...COMMON].map((option) => `--${option.name}`);
}

const offersBranches = COMMANDS.filter((command) =>
  command.arguments?.some(({ offers }) => offers === "branch"),
)
  .map(({ name }) => name)
  .join("|");

function bash(): string {
  const cases = COMMANDS.map(({ name }) => `    ${name}) options="${optionsOf(name).join(" ")}" ;;`).join(
    "\n",
  );
  return `_trailhand() {
  local word="\${COMP_WORDS[COMP_CWORD]}" command="\${COMP_WORDS[1]}" options=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${names}" -- "$word"))
    return
  fi
  case "$command" in
${cases}
  esac
  case "$command:$word" in
    *:-*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) case "$command" in ${offersBranches}) COMPREPLY=($(compgen -W "$(${BRANCHES})" -- "$word")) ;; esac ;;
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
    ...(args?.some(({ offers }) => offers === "branch")
      ? [`complete -c trailhand -n '__fish_seen_subcommand_from ${name}' -a "(${BRANCHES})"`]
      : []),
  ]);
  return ["complete -c trailhand -f", ...lines].join("\n");
}
