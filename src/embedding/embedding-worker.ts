import { workerData } from 'node:worker_threads';
import { EmbeddingUnavailableError } from '../errors/embedding-errors.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { SerialQueue } from '../util/concurrency.ts';
import { answerCalls } from '../util/worker-client.ts';
import { E5Model } from './e5-model.ts';
import { END, PHASE, type Task, type TaskResults, type WorkerSettings } from './embedding-protocol.ts';
import { reasonOf } from '../util/caught.ts';

// `BundledEmbedder` passes exactly these settings.
const settings = workerData as WorkerSettings;
const model = E5Model.load({ ...settings, enterNative });
model.catch(() => undefined); // Every call reports it.

/** A query may be sent ahead of the end of the run before it. */
const runs = new SerialQueue();

answerCalls({
  call: async (method, [text]) => {
    // Arrives between two runs, never during one.
    if (method === END) process.exit();
    try {
      // The parent thread sends the tasks of the protocol with a text.
      return await runs.run(async () => run(await model, method as Task, text as string));
    } catch (error) {
      if (error instanceof FaissMemoryError) throw error;
      const message = reasonOf(error);
      throw new EmbeddingUnavailableError(message, { cause: error });
    }
  },
});

/** @returns false when this thread is about to be terminated */
function enterNative(): boolean {
  const before = Atomics.compareExchange(settings.phase, 0, PHASE.plain, PHASE.native);
  return before !== PHASE.ending;
}

async function run(loaded: E5Model, task: Task, text: string): Promise<TaskResults[Task]> {
  switch (task) {
    case 'load':
      return loaded.runtimeName;
    case 'query':
      return loaded.embedQuery(text);
    case 'passage':
      return loaded.embedPassage(text);
    case 'text': {
      const chunks = loaded.split(text);
      const { start = 0, end = text.length } = chunks[0] ?? {};
      return { chunks, first: await loaded.embedPassage(text.slice(start, end)) };
    }
  }
}
