import { spawnSync } from 'node:child_process';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { EmbeddingRejectedError } from '../../src/errors/embedding-errors.ts';
import { FaissMemoryError } from '../../src/errors/faiss-memory-error.ts';
import { NotFoundError } from '../../src/errors/input-errors.ts';
import { WorkerClient } from '../../src/util/worker-client.ts';
import { bundleProgram } from '../helpers/bundle.ts';

class GoneError extends Error {}

let program: string;

beforeAll(async () => {
  program = await bundleProgram('helpers/worker-program.ts');
});

function start(onEnd: (error: Error) => void = () => undefined): WorkerClient {
  const client = new WorkerClient({
    program,
    data: undefined,
    onEnd,
    toError: (reason, cause) => new GoneError(reason, { cause }),
  });
  onTestFinished(() => client.terminate());
  return client;
}

describe('a worker thread and its client', () => {
  test('carry parameters and values as structured clone does', async () => {
    const parameters = [1n, new Map([['a', Float32Array.of(1, 2)]]), null, undefined];
    expect(await start().call('echo', parameters)).toEqual(parameters);
  });

  test.each([
    ['miss', NotFoundError, { ids: ['tea'] }],
    ['refuse', EmbeddingRejectedError, { message: 'tea is refused', fix: 'Ask for something else.' }],
    ['mistake', FaissMemoryError, { code: 'INTERNAL', message: 'x is not a function' }],
  ])('give the error of %s back as an instance of its class', async (method, type, fields) => {
    const failure: unknown = await start()
      .call(method, ['tea'])
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(type);
    expect(failure).toMatchObject(fields);
  });

  test('answer what no message can carry with an error, and go on', async () => {
    const client = start();
    await expect(client.call('echo', [() => 1])).rejects.toThrow(/could not be cloned/);
    await expect(client.call('giveFunction', [])).rejects.toThrow(/could not be cloned/);
    expect(await client.call('echo', ['on'])).toEqual(['on']);
  });

  test.each([
    ['crash', 'too deep', RangeError],
    ['exit', 'exit code 7', undefined],
  ])('reject every pending call after %s', async (method, reason, cause) => {
    const ends: Error[] = [];
    const client = start((error) => ends.push(error));
    const outcomes = await Promise.allSettled([client.call('wait', []), client.call(method, [])]);
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: reason } });
    }
    await client.ended;
    expect(ends).toHaveLength(1);
    expect(ends[0]).toBeInstanceOf(GoneError);
    if (cause !== undefined) expect(ends[0]?.cause).toBeInstanceOf(cause);
  });

  test('end by themselves after the last call', async () => {
    const client = start();
    expect(await client.call('close', [])).toBe('closed');
    await client.ended;
  });

  test('leave the standard output to the process, whose options do not reach the thread', async () => {
    const user = await bundleProgram('helpers/worker-user.ts');
    const code = `process.argv[2] = ${JSON.stringify(program)}; await import(${JSON.stringify(user)});`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'answered\n' });
    expect(stderr).toContain('printed in the thread');
  });
});
