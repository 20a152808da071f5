import { defineCommand, toggle } from '../command.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { count } from '../render.ts';

export const reembedCommand = defineCommand({
  name: 'reembed',
  summary: 'give every memory a vector of the current model',
  details:
    'Needed after a change of the model only if you do not want to wait: a running server does the same. Safe to interrupt; run it again to go on.',
  arguments: [],
  options: {
    dropOthers: toggle(
      '--drop-others',
      'then remove the embeddings of other models, which take space and are not used',
    ),
  },
  examples: [
    ['faiss-memory reembed', 'embed what has no vector yet'],
    [
      'faiss-memory reembed --set embedding.provider=openai --set embedding.model=text-embedding-3-small',
      'try another model',
    ],
  ],
  writes: () => true,
  run: async (context, { options }) => {
    const { memory } = await context.app();
    const progress = context.output.progress('Embedding');
    try {
      const { done, total } = await memory.reembed((reached) => {
        progress.update(reached);
      }, context.signal);
      const { embedding } = await memory.stats();
      const dropped = options.dropOthers ? await memory.dropOtherEmbeddings() : undefined;
      const removed =
        dropped === undefined
          ? ''
          : ` Embeddings of other models were removed from ${count(dropped, 'memory', 'memories')}.`;
      const text = `${count(done, 'memory', 'memories')} embedded, ${embedding.pending} left (model ${embedding.modelId}).${removed}`;
      const exitCode = embedding.pending > 0 ? EXIT_CODES.failure : EXIT_CODES.ok;
      return {
        data: {
          done,
          total,
          pending: embedding.pending,
          model: embedding.modelId,
          ...(dropped === undefined ? {} : { dropped }),
        },
        text,
        exitCode,
      };
    } finally {
      progress.finish();
    }
  },
});
