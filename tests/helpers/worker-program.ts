/** A worker thread whose methods behave in every way that a method can. */
import { EmbeddingRejectedError } from '../../src/errors/embedding-errors.ts';
import { NotFoundError } from '../../src/errors/input-errors.ts';
import { answerCalls } from '../../src/util/worker-client.ts';

const METHODS: Readonly<Record<string, (...parameters: readonly unknown[]) => unknown>> = {
  echo: (...parameters) => parameters,
  print: (text) => {
    console.log(text);
  },
  miss: (id) => {
    throw new NotFoundError([String(id)]);
  },
  refuse: (text) => {
    throw new EmbeddingRejectedError(`${String(text)} is refused`, { fix: 'Ask for something else.' });
  },
  mistake: () => {
    throw new TypeError('x is not a function');
  },
  giveFunction: () => () => 1,
  wait: () => new Promise(() => undefined),
  crash: () => {
    setImmediate(() => {
      throw new RangeError('too deep');
    });
    return new Promise(() => undefined);
  },
  exit: () => process.exit(7),
  close: () => 'closed',
};

answerCalls({
  call: async (method, parameters) => await METHODS[method]?.(...parameters),
  isLast: (method) => method === 'close',
});
