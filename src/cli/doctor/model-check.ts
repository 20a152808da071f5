import type { Check } from './check.ts';

/** Side by side, because Node looks for an optional package only above the folder of the program. */
const NATIVE_HINT =
  'Embedding gets 3 to 5 times faster with the native runtime (about 290 MB): ' +
  'npm install -g faiss-memory onnxruntime-node --ignore-scripts';

/** Can the configured model be loaded and used, and what runs it? */
export const modelCheck: Check = {
  name: 'model',
  waitsFor: {
    what: 'the model or its endpoint',
    fix: 'Check that the endpoint at MEMORY_EMBEDDING_BASE_URL answers; the bundled model needs a less busy machine.',
  },
  run: async ({ app, settings }) => {
    const { provider, runtime } = settings.embedding;
    if (provider === 'none') {
      return [{ check: 'model', status: 'ok', message: 'switched off; searches are by words only' }];
    }
    const { embedder } = await app();
    await embedder.warmUp();
    await embedder.embedQuery('doctor');
    const { modelId } = await embedder.stamp();
    const facts = embedder.describe();
    const details = Object.entries(facts).map(([name, fact]) => `${name} ${fact}`);
    const couldBeFaster = runtime === 'auto' && String(facts['runtime']).includes('WASM');
    const message = [[modelId, ...details].join(', '), ...(couldBeFaster ? [NATIVE_HINT] : [])].join('. ');
    return [{ check: 'model', status: 'ok', message }];
  },
};
