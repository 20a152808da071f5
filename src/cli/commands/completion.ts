import { defineCommand } from '../command.ts';
import { completionScripts, type Shell } from '../completion-scripts.ts';

const SHELLS = Object.keys(completionScripts) as readonly Shell[];

export const completionCommand = defineCommand({
  name: 'completion',
  summary: 'print a script that completes commands and options in a shell',
  arguments: [{ name: '<shell>', doc: 'bash, zsh or fish', choices: SHELLS }],
  options: {},
  examples: [
    ['faiss-memory completion bash > ~/.local/share/bash-completion/completions/faiss-memory', 'for bash'],
    [`echo 'source <(faiss-memory completion zsh)' >> ~/.zshrc`, 'for zsh'],
    ['faiss-memory completion fish > ~/.config/fish/completions/faiss-memory.fish', 'for fish'],
  ],
  run: (context, { args: [name] }) => {
    // The parser allows nothing else.
    const shell = SHELLS.find((known) => known === name) ?? 'bash';
    const script = completionScripts[shell](context.grammar());
    return Promise.resolve({ data: { shell, script }, text: script });
  },
});
