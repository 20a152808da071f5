import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BlobStore, CreatableBlobStore } from '../../src/blob/blob-store.ts';
import { InvalidInputError } from '../../src/errors/input-errors.ts';
import { bytesOf, errorOf, inBatches, keysOf, sha256, textOf } from '../helpers/blob-values.ts';
import { describeConditions, type ConditionBehaviour } from './blob-store-conditions.contract.ts';

/** Which store to open. */
export interface OpenRequest {
  /** A name of 3 to 40 lower-case letters, digits and dashes. */
  readonly bucket: string;
  /** Objects of other prefixes are out of sight. */
  readonly prefix: string;
  /** Use keys that the store does not know. */
  readonly wrongKeys?: boolean;
}

/** What a store may do its own way without breaking the contract. */
export interface BlobStoreTraits {
  readonly conditions: ConditionBehaviour;
  /** Does it look at credentials? */
  readonly checksKeys: boolean;
  /** Does a `put` into a missing bucket create it? */
  readonly createsBuckets?: boolean;
  /** Objects to list in the paging test; default 1,100, more than one page of S3. */
  readonly manyObjects?: number;
}

export interface BlobStoreSubject {
  readonly traits: BlobStoreTraits;
  /** Called once before all tests. */
  readonly start: () => Promise<{
    open: (request: OpenRequest) => Promise<CreatableBlobStore>;
    stop: () => Promise<void>;
  }>;
  /** A bucket to use where the tests may not create one; missing buckets are not tried there either. */
  readonly existingBucket?: string | undefined;
}

/** The promises of `BlobStore`, one test each, for any implementation on any server. */
export function describeBlobStore(name: string, subject: BlobStoreSubject): void {
  const { traits, existingBucket } = subject;
  describe(`${name} as a blob store`, () => {
    let server: Awaited<ReturnType<BlobStoreSubject['start']>>;
    let bucket: string;
    let store: CreatableBlobStore;
    const opened: { readonly request: OpenRequest; readonly store: BlobStore }[] = [];

    async function open(request: Partial<OpenRequest> = {}): Promise<CreatableBlobStore> {
      const complete = { bucket, prefix: `run-${randomBytes(6).toString('hex')}`, ...request };
      const result = await server.open(complete);
      opened.push({ request: complete, store: result });
      return result;
    }

    /** A bucket that stays gets nothing left behind in it. */
    async function cleanUp(): Promise<void> {
      const prefixes = new Set(opened.map(({ request }) => request.prefix));
      for (const prefix of prefixes) {
        const remains = await server.open({ bucket, prefix });
        await inBatches(await remains.list(''), ({ key }) => remains.delete(key));
        await remains.close();
      }
    }

    beforeAll(async () => {
      server = await subject.start();
      bucket = existingBucket ?? `contract-${randomBytes(6).toString('hex')}`;
      if (existingBucket === undefined) await (await open()).createBucket();
    }, 120_000);

    afterAll(async () => {
      await Promise.all(opened.map((each) => each.store.close()));
      if (existingBucket !== undefined) await cleanUp();
      await server.stop();
    }, 120_000);

    beforeEach(async () => {
      store = await open();
    });

    describe('put and get', () => {
      test.each([
        ['an empty object', 0],
        ['one byte', 1],
        ['1 MiB', 1024 * 1024],
        ['5 MiB and a bit', 5 * 1024 * 1024 + 17],
      ])('gives %s back byte for byte', async (_, size) => {
        const bytes = randomBytes(size);
        await store.put('v1/machine/segments/a', bytes);
        const blob = await store.get('v1/machine/segments/a');
        expect(blob?.size).toBe(size);
        expect(sha256(blob?.bytes)).toBe(sha256(bytes));
      });

      test('gives any bytes back, and any part of them', async () => {
        const bytesAndRange = fc
          .uint8Array({ minLength: 1, maxLength: 300 })
          .chain((bytes) => fc.tuple(fc.constant(bytes), fc.nat(400), fc.integer({ min: 1, max: 400 })));
        await fc.assert(
          fc.asyncProperty(bytesAndRange, async ([bytes, start, length]) => {
            await store.put('any', bytes);
            const part = await store.get('any', { range: { start, end: start + length } });
            expect(Buffer.from((await store.get('any'))?.bytes ?? []).equals(bytes)).toBe(true);
            expect([...(part?.bytes ?? [])]).toEqual([...bytes.slice(start, start + length)]);
            expect(part?.size).toBe(bytes.length);
          }),
          { numRuns: 15 },
        );
      });

      test('replaces the whole object, and its etag', async () => {
        const first = await store.put('head', bytesOf('a longer first version'));
        const second = await store.put('head', bytesOf('second'));
        const blob = await store.get('head');
        expect(textOf(blob?.bytes)).toBe('second');
        expect(blob?.etag).toBe(second.etag);
        expect(second.etag).not.toBe(first.etag);
      });

      test('answers a range of an empty object, and one behind the end, with no bytes', async () => {
        await store.put('empty', new Uint8Array(0));
        await store.put('short', bytesOf('abc'));
        expect(await store.get('empty', { range: { start: 0, end: 10 } })).toMatchObject({ size: 0 });
        const behind = await store.get('short', { range: { start: 3, end: 4 } });
        expect(behind?.size).toBe(3);
        expect(behind?.bytes).toHaveLength(0);
      });

      test('refuses more bytes than the caller expects, and goes on working', async () => {
        await store.put('big', randomBytes(200_000));
        const error = await errorOf(store.get('big', { maxBytes: 199_999 }));
        expect(error).toMatchObject({ reason: 'too-large', retryable: false, key: 'big' });
        const part = await store.get('big', { maxBytes: 10, range: { start: 100_000, end: 100_010 } });
        expect(part?.bytes).toHaveLength(10);
        expect((await store.get('big', { maxBytes: 200_000 }))?.bytes).toHaveLength(200_000);
      });

      test('does not read bytes that the caller changes after the put', async () => {
        const bytes = bytesOf('before');
        await store.put('copied', bytes);
        bytes.fill(0);
        expect(textOf((await store.get('copied'))?.bytes)).toBe('before');
      });
    });

    describe('absence', () => {
      test('is null for get and head, success for delete, nothing for list', async () => {
        expect(await store.get('v1/nobody/head')).toBeNull();
        expect(await store.get('v1/nobody/head', { range: { start: 0, end: 1 } })).toBeNull();
        expect(await store.head('v1/nobody/head')).toBeNull();
        expect(await store.list('')).toEqual([]);
        expect(await store.list('v1/nobody/')).toEqual([]);
        await expect(store.delete('v1/nobody/head')).resolves.toBeUndefined();
      });

      test('is what head says in the very first call to a store', async () => {
        expect(await (await open()).head('absent')).toBeNull();
      });

      test.runIf(existingBucket === undefined)('is never what a missing bucket looks like', async () => {
        const missing = { bucket: `missing-${randomBytes(6).toString('hex')}` };
        for (const call of [
          async () => (await open(missing)).get('a'),
          async () => (await open(missing)).getIfChanged('a', 'unknown'),
          async () => (await open(missing)).head('a'),
          async () => (await open(missing)).list(''),
          async () => (await open(missing)).delete('a'),
        ]) {
          expect(await errorOf(call())).toMatchObject({ reason: 'no-bucket', retryable: false });
        }
        if (traits.createsBuckets === true) return;
        const error = await errorOf((await open(missing)).put('a', bytesOf('x')));
        expect(error).toMatchObject({ reason: 'no-bucket', retryable: false });
        expect(error.fix).toBeTruthy();
      });
    });

    describe('getIfChanged', () => {
      test('reads what has another etag, and says so of what has not', async () => {
        const { etag: first } = await store.put('v1/m/head', bytesOf('first'));
        expect(await store.getIfChanged('v1/m/head', first ?? '')).toBe('unchanged');
        await store.put('v1/m/head', bytesOf('the second one'));
        const second = await store.get('v1/m/head');
        expect(await store.getIfChanged('v1/m/head', first ?? '')).toEqual(second);
        expect(await store.getIfChanged('v1/m/head', second?.etag ?? '')).toBe('unchanged');
        await store.delete('v1/m/head');
        expect(await store.getIfChanged('v1/m/head', second?.etag ?? '')).toBeNull();
      });

      test('takes the etag of a list, and bounds what it reads', async () => {
        await store.put('v1/m/head', randomBytes(2_000));
        const [listed] = await store.list('v1/m/');
        expect(await store.getIfChanged('v1/m/head', listed?.etag ?? '')).toBe('unchanged');
        await store.put('v1/m/head', randomBytes(2_001));
        const error = await errorOf(store.getIfChanged('v1/m/head', listed?.etag ?? '', { maxBytes: 2_000 }));
        expect(error).toMatchObject({ reason: 'too-large', key: 'v1/m/head' });
      });
    });

    describe('head and list', () => {
      test('agree with get about size, etag and time', async () => {
        await store.put('v1/m/snapshots/s', randomBytes(1234));
        const blob = await store.get('v1/m/snapshots/s');
        const [listed] = await store.list('v1/m/snapshots/s');
        const head = await store.head('v1/m/snapshots/s');
        expect(head).toMatchObject({ key: 'v1/m/snapshots/s', size: 1234 });
        expect(blob).toMatchObject(head ?? {});
        expect(listed).toMatchObject({ key: 'v1/m/snapshots/s', size: 1234 });
        // Lists carry milliseconds where headers carry seconds.
        expect(Math.abs((listed?.lastModified ?? 0) - (head?.lastModified ?? 0))).toBeLessThan(1000);
      });

      test('take a prefix as a string, not as a folder', async () => {
        for (const key of ['ab/c', 'abc/d', 'abd', 'b/ab']) await store.put(key, bytesOf(key));
        expect(keysOf(await store.list('ab'))).toEqual(['ab/c', 'abc/d', 'abd']);
        expect(keysOf(await store.list('ab/'))).toEqual(['ab/c']);
        expect(keysOf(await store.list('abc/d'))).toEqual(['abc/d']);
        expect(keysOf(await store.list(''))).toEqual(['ab/c', 'abc/d', 'abd', 'b/ab']);
      });

      test('see only the objects of their own prefix', async () => {
        const [one, two] = [
          await open({ prefix: 'Shared/one' }),
          await open({ prefix: '/Shared/one-more/' }),
        ];
        await one.put('key', bytesOf('1'));
        await two.put('key', bytesOf('2'));
        expect(keysOf(await one.list(''))).toEqual(['key']);
        expect(textOf((await two.get('key'))?.bytes)).toBe('2');
        await one.delete('key');
        expect(await two.head('key')).not.toBeNull();
        await two.delete('key');
      });

      test('list all pages', async () => {
        const count = traits.manyObjects ?? 1100;
        const keys = Array.from({ length: count }, (_, index) => `many/${String(index).padStart(5, '0')}`);
        await inBatches(keys, (key) => store.put(key, bytesOf(key)));
        const listed = await store.list('many/');
        expect(keysOf(listed)).toEqual(keys);
        expect(listed.every((info) => info.size === 10)).toBe(true);
        await inBatches(keys, (key) => store.delete(key));
        expect(await store.list('many/')).toEqual([]);
      }, 120_000);
    });

    describe('writes', () => {
      test('are seen by every call that follows', async () => {
        const reader = await open({ prefix: 'read-after-write' });
        const writer = await open({ prefix: 'read-after-write' });
        for (let round = 0; round < 20; round++) {
          const bytes = bytesOf('x'.repeat(round + 1));
          await writer.put('machine/head', bytes);
          expect((await reader.head('machine/head'))?.size).toBe(round + 1);
          expect((await reader.get('machine/head'))?.bytes).toHaveLength(round + 1);
          expect((await reader.list('machine/'))[0]?.size).toBe(round + 1);
          if (round % 4 !== 3) continue;
          await writer.delete('machine/head');
          expect(await reader.get('machine/head')).toBeNull();
          expect(await reader.list('machine/')).toEqual([]);
        }
      });

      test('of one object are never seen half done', async () => {
        const size = 300_000;
        await store.put('torn', Buffer.alloc(size, 1));
        const progress = { writing: true };
        const writer = (async () => {
          for (let value = 2; value < 22; value++) await store.put('torn', Buffer.alloc(size + value, value));
        })().finally(() => (progress.writing = false));
        const seen = new Set<number>();
        while (progress.writing) {
          const bytes = (await store.get('torn'))?.bytes ?? new Uint8Array(0);
          const value = bytes[0] ?? 0;
          expect(bytes.every((byte) => byte === value)).toBe(true);
          expect(bytes).toHaveLength(value === 1 ? size : size + value);
          seen.add(value);
        }
        await writer;
        expect(seen.size).toBeGreaterThan(0);
        expect((await store.get('torn'))?.bytes[0]).toBe(21);
      });

      test('of many objects at once are all kept', async () => {
        const keys = Array.from({ length: 20 }, (_, index) => `parallel/${index}/object`);
        await Promise.all(keys.map((key) => store.put(key, bytesOf(key))));
        const blobs = await Promise.all(keys.map((key) => store.get(key)));
        expect(blobs.map((blob) => textOf(blob?.bytes))).toEqual(keys);
      });

      test('end with one whole object when all write the same key', async () => {
        await Promise.allSettled(
          Array.from({ length: 10 }, (_, value) => store.put('race', Buffer.alloc(1000 + value, value))),
        );
        const bytes = (await store.get('race'))?.bytes ?? new Uint8Array(0);
        expect(bytes.every((byte) => byte === bytes[0])).toBe(true);
        expect(bytes).toHaveLength(1000 + (bytes[0] ?? 0));
      });
    });

    test('deletes one object and no other', async () => {
      for (const key of ['d/a', 'd/ab', 'd/b/a']) await store.put(key, bytesOf(key));
      await store.delete('d/a');
      expect(await store.get('d/a')).toBeNull();
      expect(await store.head('d/a')).toBeNull();
      expect(keysOf(await store.list('d/'))).toEqual(['d/ab', 'd/b/a']);
      await store.delete('d/a');
      await store.delete('d/b/a');
      await store.put('d/b/a', bytesOf('again'));
      expect(textOf((await store.get('d/b/a'))?.bytes)).toBe('again');
    });

    describe('keys', () => {
      test.each([
        'a',
        '0',
        'a.b',
        'a_b=c-d.json',
        `${'k'.repeat(200)}/${'k'.repeat(200)}`,
        'a/b/c/d/e/f/g/h',
      ])('may be %s', async (key) => {
        await store.put(key, bytesOf(key));
        expect(textOf((await store.get(key))?.bytes)).toBe(key);
        expect(keysOf(await store.list(key))).toEqual([key]);
      });

      test.each([
        '',
        '/',
        '/a',
        'a/',
        'a//b',
        '..',
        '../a',
        'a/../b',
        'a/.',
        '.a',
        'a.',
        'A',
        'ä',
        'a b',
        'a\\b',
      ])('may not be %j', async (key) => {
        await expect(store.put(key, bytesOf('x'))).rejects.toBeInstanceOf(InvalidInputError);
        await expect(store.get(key)).rejects.toBeInstanceOf(InvalidInputError);
        await expect(store.getIfChanged(key, 'x')).rejects.toBeInstanceOf(InvalidInputError);
        await expect(store.head(key)).rejects.toBeInstanceOf(InvalidInputError);
        await expect(store.delete(key)).rejects.toBeInstanceOf(InvalidInputError);
      });

      test.each(['/', '../', 'a//', 'a/../', 'A', '*'])(
        'cannot begin with the list prefix %j',
        async (prefix) => {
          await expect(store.list(prefix)).rejects.toBeInstanceOf(InvalidInputError);
        },
      );
    });

    describe('an aborted signal', () => {
      test('rejects every call with its reason before anything happens', async () => {
        const reason = new Error('the user went away');
        const options = { signal: AbortSignal.abort(reason) };
        await expect(store.put('aborted', bytesOf('x'), options)).rejects.toBe(reason);
        await expect(store.get('aborted', options)).rejects.toBe(reason);
        await expect(store.head('aborted', options)).rejects.toBe(reason);
        await expect(store.list('', options)).rejects.toBe(reason);
        await expect(store.delete('aborted', options)).rejects.toBe(reason);
        expect(await store.head('aborted')).toBeNull();
      });

      test('ends a call under way, and leaves the store usable', async () => {
        const reason = new Error('enough');
        const controller = new AbortController();
        const call = store.put('under-way', randomBytes(4 * 1024 * 1024), { signal: controller.signal });
        setImmediate(() => {
          controller.abort(reason);
        });
        const outcome = await call.then(
          () => 'finished before the signal',
          (error: unknown) => error,
        );
        expect(['finished before the signal', reason]).toContain(outcome);
        await store.put('after', bytesOf('fine'));
        expect(textOf((await store.get('after'))?.bytes)).toBe('fine');
      });
    });

    describeConditions(traits.conditions, () => store);

    test('learns the clock of the store, and places writes on it', async () => {
      const fresh = await open();
      await fresh.put('timed', bytesOf('x'));
      const now = fresh.serverTime() ?? NaN;
      const written = (await fresh.head('timed'))?.lastModified ?? NaN;
      expect(Math.abs(now - written)).toBeLessThan(60_000);
    });

    if (traits.checksKeys) {
      test('says that keys are wrong, and does not repeat them', async () => {
        const stranger = await open({ wrongKeys: true });
        for (const call of [
          () => stranger.list(''),
          () => stranger.get('a'),
          () => stranger.put('a', bytesOf('x')),
        ]) {
          const error = await errorOf(call());
          expect(['bad-credentials', 'access-denied']).toContain(error.reason);
          expect(error.retryable).toBe(false);
          expect(`${error.message} ${error.stack ?? ''} ${JSON.stringify(error)}`).not.toMatch(
            /wrong-?secret/i,
          );
        }
      });
    }

    test.runIf(existingBucket === undefined)('creates a bucket once', async () => {
      const fresh = await open({ bucket: `created-${randomBytes(6).toString('hex')}` });
      expect(await fresh.createBucket()).toBe('created');
      await fresh.put('first', bytesOf('x'));
      await fresh.createBucket();
      expect(textOf((await fresh.get('first'))?.bytes)).toBe('x');
    });

    test('is closed more than once without harm, and says so afterwards', async () => {
      const fresh = await open();
      await fresh.put('closing', bytesOf('x'));
      await fresh.close();
      await fresh.close();
      expect(await errorOf(fresh.get('closing'))).toMatchObject({ reason: 'closed', retryable: false });
    });
  });
}
