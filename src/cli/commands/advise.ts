/** `trailhand advise`: which pattern fits a task graph, and the numbers that say so. */
import { adviseTasks } from "../../app/advise.ts";
import { EXIT_CODE } from "../../core/messages/messages.ts";
import type { Command, CommandCall } from "../command.ts";
import { jsonOption } from "../options.ts";
import { renderAdvice } from "../render/render-advice.ts";
import { printJson } from "../render/terminal.ts";

export const command: Command = {
  name: "advise",
  group: "start",
  what: "Recommend a pattern for a task graph, and show the numbers behind it.",
  more: "The file lists `tasks`, each with a `key`, and optionally `after`, `owns`, `risk`, `minutes` and `state`. Beside them it may have `agents` and `cost_per_minute`. A task with a state and without minutes takes its minutes from past runs.",
  arguments: [{ name: "file", what: "A YAML file; default: states/tasks.yml.", optional: true }],
  options: [
    {
      name: "as",
      value: "pattern",
      what: "Plan it as single, chain, parallel, hybrid or resource-aware, and list the objections.",
    },
    jsonOption,
  ],
  examples: [
    { line: "trailhand advise tasks.yml", what: "in a row, side by side, or both?" },
    { line: "trailhand advise tasks.yml --as parallel", what: "what would that cost?" },
  ],
  run,
};

async function run({ input, terminal, env }: CommandCall): Promise<number> {
  const [file] = input.arguments;
  const { asked, searched, ...advice } = await adviseTasks(input.directory, env, {
    file,
    pattern: input.value("as"),
  });
  const { recommended, plans, ...rest } = advice;
  const pattern = asked ?? recommended;
  const plan = plans.find((candidate) => candidate.pattern === pattern);
  if (searched !== undefined) terminal.say(`Past runs were searched in the newest ${searched} commits.`);
  if (input.has("json")) {
    printJson(terminal, { pattern, recommended, plan, plans, ...rest });
    return EXIT_CODE.done;
  }
  terminal.print(renderAdvice(advice, asked, terminal.colors));
  const pack = plan?.pack ?? "";
  terminal.say(`\nnext: trailhand packs ${pack}, then trailhand init --pack ${pack}`);
  return EXIT_CODE.done;
}
