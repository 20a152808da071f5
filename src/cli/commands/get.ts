import type { HistoryEntry, MemoryWithHistory } from '../../memory/memory.ts';
import type { TimeZone } from '../../util/time-zone.ts';
import { defineCommand, toggle } from '../command.ts';
import { count, indent, memoryData, memoryHeading } from '../render.ts';

export const getCommand = defineCommand({
  name: 'get',
  summary: 'show memories in full',
  arguments: [{ name: '<id...>', doc: 'ids of memories, at most 100' }],
  options: { history: toggle('--history', 'with all earlier versions') },
  examples: [
    ['faiss-memory get 0198c0de-0000-7000-8000-000000000001', 'one memory with its whole text'],
    ['faiss-memory get 0198c0de-0000-7000-8000-000000000001 --history', 'how it came to be'],
  ],
  run: async (context, { args, options }) => {
    const { memory } = await context.app();
    const memories = await memory.get(args);
    const data = memories.map((entry) => ({
      ...memoryData(entry),
      ...(options.history ? { history: entry.history.map(historyData) } : {}),
    }));
    const text = memories.map((entry) => describe(entry, options.history, memory.timeZone)).join('\n\n');
    return { data: { memories: data }, text };
  },
});

function historyData({ dot, createdAt, updatedAt, ...others }: HistoryEntry): object {
  return {
    ...others,
    createdAt: new Date(createdAt).toISOString(),
    updatedAt: new Date(updatedAt).toISOString(),
    machine: dot.machine,
  };
}

function describe(memory: MemoryWithHistory, history: boolean, zone: TimeZone): string {
  const parts = [`${memoryHeading(memory, zone)}  (times in ${zone.name})`, indent(memory.text)];
  if (Object.keys(memory.metadata).length > 0)
    parts.push(indent(`metadata: ${JSON.stringify(memory.metadata)}`));
  if (memory.updatedAt !== memory.createdAt) parts.push(indent(`changed ${zone.minute(memory.updatedAt)}`));
  const others = memory.history.filter(({ role }) => role === 'sibling' || (history && role === 'replaced'));
  for (const { role, text, updatedAt, state } of others) {
    const name = role === 'sibling' ? 'conflict copy' : 'earlier version';
    parts.push(
      indent(`${name} of ${zone.minute(updatedAt)}${state === 'live' ? '' : ` (${state})`}:`),
      indent(indent(text)),
    );
  }
  if (!history && memory.versionCount > 1)
    parts.push(indent(`${count(memory.versionCount, 'version')}; --history shows them`));
  return parts.join('\n');
}
