import { resolve } from 'node:path';
import { type MemoryFilter, parseFilter } from '../../memory/filter.ts';
import { UsageError } from '../../errors/input-errors.ts';
import { exportZip, type ZipCounts } from '../../import-export/export-zip.ts';
import { exportJsonLines } from '../../import-export/export-json-lines.ts';
import { createDurableFile } from '../../util/durable-file.ts';
import { visibleLine } from '../../util/visible-text.ts';
import type { Memory } from '../../memory/memory.ts';
import { type CommandContext, defineCommand, toggle } from '../command.ts';
import { cannotWrite, filterOptions, toFilterInput } from '../option-values.ts';
import { count } from '../render.ts';

export const exportCommand = defineCommand({
  name: 'export',
  summary: 'write memories as JSON lines, or as one zip',
  details:
    'All live memories, or those that the options choose, with their ids and times, one a line. A file appears ' +
    'complete or not at all. Versions, trash and vectors are not exported. A zip (--zip, or a name that ends with .zip) ' +
    'has facts, conversations, older versions and a readable index; import takes it too.',
  arguments: [{ name: '[file]', doc: 'where to; - or nothing writes to stdout' }],
  options: {
    ...filterOptions,
    zip: toggle('--zip', 'one zip with facts, conversations, older versions and a readable index'),
  },
  examples: [
    ['faiss-memory export memories.jsonl', 'everything'],
    ['faiss-memory export --zip memories.zip', 'everything, to carry it elsewhere or to read it'],
    ['faiss-memory export --tag ops --after 30d | jq -r .text', 'some texts'],
  ],
  ownsStdout: ({ args }) => targetFile(args) === undefined,
  run: async (context, { args, options }) => {
    const filter = parseFilter(toFilterInput(options), {
      now: Date.now(),
      zone: (await context.app()).memory.timeZone,
    });
    const name = targetFile(args);
    const isZip = options.zip || /\.zip$/i.test(name ?? '');
    if (name === undefined) {
      if (isZip) throw new UsageError('A zip needs a file', 'Name it, for example memories.zip.');
      await exportTo(context, filter, (chunk) => context.output.raw(chunk));
      return undefined;
    }
    const path = resolve(context.host.workingDirectory, name);
    const refuse = (error: unknown): never => {
      throw cannotWrite(path, error);
    };
    const file = await createDurableFile(path).catch(refuse);
    try {
      if (isZip) {
        const counts = await zipTo(context, filter, (chunk) => file.write(chunk));
        await file.commit().catch(refuse);
        return { data: { file: path, ...counts }, text: describeZip(counts, path) };
      }
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

function describeZip({ facts, turns, histories }: ZipCounts, path: string): string {
  const parts = [
    count(facts, 'fact'),
    `${count(turns, 'turn')} of conversations`,
    `older versions of ${histories}`,
  ];
  return `${parts.join(', ')} written to ${visibleLine(path)}`;
}

async function zipTo(
  context: CommandContext,
  filter: MemoryFilter,
  write: (chunk: Uint8Array) => Promise<void>,
): Promise<ZipCounts> {
  const { memory, store } = await context.app();
  const progress = context.output.progress('Exporting');
  const none = async function* (): AsyncGenerator<readonly Memory[]> {
    // The filter asks for the other kind.
  };
  try {
    return await exportZip({
      memories: (kind) =>
        filter.kind === undefined || filter.kind === kind ? memory.export({ ...filter, kind }) : none(),
      histories: (ids) => store.get(ids),
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
