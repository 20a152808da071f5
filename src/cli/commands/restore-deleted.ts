import { defineCommand, embedBeforeExit, missingData, missingText } from '../command.ts';
import { count, memoryData } from '../render.ts';

export const restoreDeletedCommand = defineCommand({
  name: 'restore-deleted',
  summary: 'bring memories back from the trash',
  arguments: [{ name: '<id...>', doc: 'ids of deleted memories; "list --trash" shows them' }],
  options: {},
  examples: [['faiss-memory restore-deleted 0198c0de-0000-7000-8000-000000000001', 'undo a deletion']],
  run: async (context, { args }) => {
    const app = await context.app();
    const memories = await app.memory.restore(args);
    const missing = await embedBeforeExit(app, context.signal);
    return {
      data: { memories: memories.map(memoryData), ...missingData(missing) },
      text: [`${count(memories.length, 'memory is', 'memories are')} back.`, ...missingText(missing)].join(
        '\n',
      ),
    };
  },
});
