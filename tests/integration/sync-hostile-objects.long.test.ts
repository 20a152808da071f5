import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/errors/faiss-memory-error.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { HostileScene, type ObjectKind } from '../helpers/sync/hostile-scene.ts';

let server: BucketServer;

beforeAll(async () => {
  server = await startBucketServer([versitygw]);
});
afterAll(() => server.stop());

const cutOff = (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 7);
const removed = () => null;
const garbage = () => new TextEncoder().encode('<html>not found</html>');
const bomb = () => gzipSync(Buffer.alloc(200 * 2 ** 20));

describe.each([
  ['plain', undefined],
  ['encrypted', 'seven tired herons'],
])('%s objects that were changed at the remote', { timeout: 120_000 }, (protection, passphrase) => {
  test.each<[ObjectKind, string, (bytes: Uint8Array) => Uint8Array | null, ErrorCode]>([
    ['segments', 'removed', removed, 'OBJECT_MISSING'],
    ['segments', 'cut off', cutOff, 'REPOSITORY_DAMAGED'],
    ['segments', 'a decompression bomb', bomb, 'REPOSITORY_DAMAGED'],
    ['snapshots', 'removed', removed, 'OBJECT_MISSING'],
    ['snapshots', 'garbage', garbage, 'REPOSITORY_DAMAGED'],
    ['head', 'cut off', cutOff, 'REPOSITORY_DAMAGED'],
    ['head', 'garbage', garbage, 'REPOSITORY_DAMAGED'],
  ])(
    '%s %s: an error that says so, nothing is changed, and the owner puts it right',
    async (kind, _, change, code) => {
      const scene = await HostileScene.create(await server.createBucket(), passphrase);
      await scene.harm(kind, change);
      expect(await scene.pull()).toBe(code);
      expect((await scene.writer.sync.verify()).problems).not.toEqual([]);
      await scene.writer.sync.push();
      expect(await scene.pull()).toBeNull();
    },
  );

  test.each<ObjectKind>(
    protection === 'plain'
      ? ['segments', 'snapshots', 'head']
      : ['segments', 'snapshots', 'head', 'key.json'],
  )('with one bit flipped anywhere in %s: exact or an error, never anything else', async (kind) => {
    const scene = await HostileScene.create(await server.createBucket(), passphrase);
    const size = scene.second.get(scene.keyOf(kind))?.length ?? 0;
    const codes = new Set<ErrorCode | null>();
    const every = Math.max(1, Math.floor(size / 8));
    for (let at = 0; at < size && !codes.has(null); at += every) {
      await scene.harm(kind, (bytes) =>
        bytes.map((byte, index) => (index === at ? byte ^ (1 << (at % 8)) : byte)),
      );
      codes.add(await scene.pull());
    }
    expect(codes).toContain('REPOSITORY_DAMAGED');
    if (!codes.has(null)) {
      await scene.repair();
      expect(await scene.pull()).toBeNull();
    }
  });
});
