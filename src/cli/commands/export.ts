import { resolve } from 'node:path';
import { type MemoryFilter, parseFilter } from '../../memory/filter.ts';
import { exportJsonLines } from '../../import-export/export-json-lines.ts';
import { createDurableFile } from '../../util/durable-file.ts';
import { visibleLine } from '../../util/visible-text.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { cannotWrite, filterOptions, toFilterInput } from '../option-values.ts';
import { count } from '../render.ts';

export const exportCommand = defineCommand({
  name: 'export',
  summary: 'write memories as JSON lines',
  details:
    'All live memories, or those that the options choose, with their ids and times, one a line. A file appears ' +
    'complete or not at all. Versions, trash and vectors are not exported.',
  arguments: [{ name: '[file]', doc: 'where to; - or nothing writes to stdout' }],
  options: filterOptions,
  examples: [
    ['faiss-memory export memories.jsonl', 'everything'],
    ['faiss-memory export --tag ops --after 30d | jq -r .text', 'some texts'],
  ],
  ownsStdout: ({ args }) => targetFile(args) === undefined,
  run: async (context, { args, options }) => {
    const filter = parseFilter(toFilterInput(options), {
      now: Date.now(),
      zone: (await context.app()).memory.timeZone,
    });
    const name = targetFile(args);
    if (name === undefined) {
      await exportTo(context, filter, (chunk) => context.output.raw(chunk));
      return undefined;
    }
    const path = resolve(context.host.workingDirectory, name);
    const refuse = (error: unknown): never => {
      throw cannotWrite(path, error);
    };
    const file = await createDurableFile(path).catch(refuse);
    try {
      const exported = await exportTo(context, filter, (chunk) => file.write(chunk));
      await file.commit().catch(refuse);
      return { data: { file: path, count: exported }, text: describe(exported, path) };
    } finally {
      await file.discard();
    }
  },
});

/** Undefined = stdout. */
function targetFile([name]: readonly string[]): string | undefined {
  return name === '-' ? undefined : name;
}

function describe(exported: number, path: string): string {
  return `${count(exported, 'memory', 'memories')} written to ${visibleLine(path)}`;
}

async function exportTo(
  context: CommandContext,
  filter: MemoryFilter,
  write: (chunk: string) => Promise<void>,
): Promise<number> {
  const { memory } = await context.app();
  const progress = context.output.progress('Exporting');
  try {
    return await exportJsonLines(memory.export(filter), {
      write: (chunk) => {
        context.signal.throwIfAborted();
        return write(chunk);
      },
      exportedAt: Date.now(),
      onProgress: (done) => {
        progress.update({ done });
      },
    });
  } finally {
    progress.finish();
  }
}
