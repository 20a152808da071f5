import type { Check } from './check.ts';

const NATIVE_HINT =
  'For faster embedding: npm install -g onnxruntime-node --ignore-scripts (native ONNX runtime, used by itself once installed).';

/** Can the configured model be loaded and used, and what runs it? */
export const modelCheck: Check = {
  name: 'model',
  run: async ({ app, settings }) => {
    if (settings.embedding.provider === 'none') {
      return [{ check: 'model', status: 'ok', message: 'switched off; searches are by words only' }];
    }
    const { embedder } = await app();
    await embedder.warmUp();
    await embedder.embedQuery('doctor');
    const { modelId } = await embedder.stamp();
    const facts = embedder.describe();
    const details = Object.entries(facts).map(([name, fact]) => `${name} ${fact}`);
    const native = settings.embedding.provider !== 'bundled' || facts['runtime'] === 'native';
    const message = [[modelId, ...details].join(', '), ...(native ? [] : [NATIVE_HINT])].join('. ');
    return [{ check: 'model', status: 'ok', message }];
  },
};
