// `pipeloom completions <shell>`: prints the script that completes pipeloom in a shell.

import { defineCliCommand } from "../cli/command.ts";
import { print } from "../cli/stdout.ts";

const scripts = {
  bash: () => import("./completion/pipeloom.bash", { with: { type: "text" } }),
  zsh: () => import("./completion/pipeloom.zsh", { with: { type: "text" } }),
  fish: () => import("./completion/pipeloom.fish", { with: { type: "text" } }),
  powershell: () => import("./completion/pipeloom.ps1", { with: { type: "text" } }),
} as const;

export const command = defineCliCommand({
  meta: {
    name: "completions",
    details:
      "Completes commands, flags and their values, pipeline files, their parameters, and run ids. The first lines of each script tell where to put it.",
    examples: [
      {
        line: "pipeloom completions bash > ~/.local/share/bash-completion/completions/pipeloom",
        what: "for bash, in new terminals",
      },
      {
        line: "pipeloom completions fish > ~/.config/fish/completions/pipeloom.fish",
        what: "for fish",
      },
    ],
  },
  args: {
    shell: {
      type: "positional",
      options: ["bash", "zsh", "fish", "powershell"],
      description: "which shell",
    },
  },
  async run({ shell }) {
    const { default: script } = await scripts[shell]();
    print(script);
    return 0;
  },
});
