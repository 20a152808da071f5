import { createDecipheriv, createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { StoredBlob } from '../../../src/blob/in-memory-blob-store.ts';
import { FRAME_BYTES, sealFrames } from '../../../src/backup/format/encryption.ts';
import { encodeHead, decodeHead } from '../../../src/backup/format/head.ts';
import { decodeKeyFile } from '../../../src/backup/format/key-file.ts';
import { Keyring, type DataKey } from '../../../src/backup/repository/keyring.ts';
import { decodeManifest, encodeManifest } from '../../../src/backup/format/manifest.ts';
import { ObjectChecker } from '../../../src/backup/format/object-checker.ts';
import { parseRepositoryKey, type RepositoryObject } from '../../../src/backup/format/names.ts';
import {
  openObject,
  sealObject,
  sealSegment,
  openSegment,
} from '../../../src/backup/format/sealed-object.ts';
import { SecretString } from '../../../src/util/secret-string.ts';
import {
  buildGoldenRepository,
  GOLDEN_MACHINE,
  GOLDEN_PASSPHRASE,
  goldenKeyring,
} from '../../helpers/golden-repository.ts';
import { createTestRepository, MACHINE_A, rowsOf } from '../../helpers/test-repository.ts';

const folder = join(import.meta.dirname, '../../fixtures/repository');
const newest = readFileSync(join(folder, 'newest.jsonl'), 'utf8').trimEnd().split('\n');

function load(mode: 'plain' | 'encrypted'): Map<string, StoredBlob> {
  const root = join(folder, mode);
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((file) => {
      const path = join(file.parentPath, file.name);
      const key = relative(root, path).split(sep).join('/');
      return [key, { bytes: readFileSync(path), lastModified: 0, etag: '' }];
    }),
  );
}

/** The passphrase with its real cost, about a second: shared by all tests. */
const keyring = goldenKeyring();

const modes = [
  { mode: 'plain', keyring: null },
  { mode: 'encrypted', keyring },
] as const;

/** Randomness that hands out what a fixture holds, so that sealing must give the fixture's bytes again. */
function replay(...values: readonly Uint8Array[]): (size: number) => Buffer {
  const queue = [...values];
  return (size) => {
    const next = queue.shift();
    if (next?.length !== size) throw new Error(`no more known bytes of length ${size}`);
    return Buffer.from(next);
  };
}

describe.each(modes)('the released $mode fixture', ({ mode, keyring: keys }) => {
  const objects = load(mode);

  test('is read as it was written', async () => {
    const { repository } = createTestRepository({ objects, keyring: keys, machine: MACHINE_A });
    const { snapshots, machines } = await repository.listSnapshots();
    expect(machines.map(({ error }) => error)).toEqual([null, null]);
    expect(snapshots.map(({ name, pinned }) => [name, pinned])).toEqual([
      ['manual_20260131_235959', true],
      ['auto_20260201_000000', false],
      ['pre_restore_20260201_000001', false],
    ]);
    for (const snapshot of snapshots) {
      const manifest = await repository.readManifest(snapshot);
      expect(await repository.verifyContent(manifest)).toMatchObject({ problems: [] });
    }
    expect(await repository.verifySizes(GOLDEN_MACHINE)).toMatchObject({ problems: [] });
    const [, , last] = snapshots;
    if (last === undefined) throw new Error('there is no third snapshot');
    expect(await rowsOf(repository, last)).toEqual(newest);
  });

  test('is what this version would write', async () => {
    const built = await buildGoldenRepository(keys === null ? null : goldenKeyring());
    const places = (keysOf: Iterable<string>): string[] =>
      [...keysOf].map((key) => key.replace(/[0-9a-f]{64}$/, '…')).sort();
    expect(places(built.objects.keys())).toEqual(places(objects.keys()));
  });
});

describe('byte-level pins', () => {
  const plain = load('plain');
  const sealed = load('encrypted');
  const checker = new ObjectChecker('fixture');
  const bytesOf = (objects: Map<string, StoredBlob>, kind: RepositoryObject['kind']): Buffer[] =>
    [...objects].flatMap(([key, { bytes }]) =>
      parseRepositoryKey(key)?.kind === kind ? [Buffer.from(bytes)] : [],
    );
  const idsOf = (objects: Map<string, StoredBlob>): string[] =>
    [...objects.keys()].flatMap((key) => {
      const place = parseRepositoryKey(key);
      return place?.kind === 'manifest' ? [place.snapshotId] : [];
    });
  const dataKey = async (): Promise<DataKey> => {
    const [file = Buffer.alloc(0)] = bytesOf(sealed, 'key-file');
    const [key] = await keyring.unlock(GOLDEN_MACHINE, file);
    if (key === undefined) throw new Error('there is no key');
    return key;
  };

  test('heads and manifests are canonical JSON', () => {
    const [head = Buffer.alloc(0)] = bytesOf(plain, 'head').map((bytes) => gunzipSync(bytes));
    expect(encodeHead(decodeHead(head, GOLDEN_MACHINE, checker)).toString()).toBe(head.toString());
    const ids = idsOf(plain);
    expect(ids).toHaveLength(3);
    for (const [index, bytes] of bytesOf(plain, 'manifest').entries()) {
      const json = gunzipSync(bytes);
      const expected = { machine: GOLDEN_MACHINE, snapshotId: ids[index] ?? '', sealed: false };
      expect(encodeManifest(decodeManifest(json, expected, checker)).toString()).toBe(json.toString());
    }
  });

  test('segments are named by the SHA-256 of their bytes', () => {
    for (const objects of [plain, sealed]) {
      for (const [key, { bytes }] of objects) {
        const place = parseRepositoryKey(key);
        if (place?.kind !== 'segment') continue;
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(place.name);
      }
    }
  });

  test('a key file with the same passphrase, salt and nonce is the same file', async () => {
    const [bytes = Buffer.alloc(0)] = bytesOf(sealed, 'key-file');
    const file = decodeKeyFile(bytes, GOLDEN_MACHINE, checker);
    const [wrapped] = file.keys;
    if (wrapped === undefined) throw new Error('there is no key');
    const again = new Keyring({
      passphrase: new SecretString(GOLDEN_PASSPHRASE),
      random: replay(file.salt, wrapped.nonce),
    });
    expect(await again.wrap(GOLDEN_MACHINE, [await dataKey()])).toEqual(bytes);
    expect(file.cost).toEqual({ n: 131_072, r: 8, p: 1 });
  });

  test('heads and manifests with the same keys and nonces are the same bytes', async () => {
    const key = await dataKey();
    for (const kind of ['head', 'manifest'] as const) {
      for (const bytes of bytesOf(sealed, kind)) {
        const place = { kind, machine: GOLDEN_MACHINE, key: 'fixture' };
        const body = openObject(place, [key], bytes);
        expect(gunzipSync(body).toString().startsWith('{"')).toBe(true);
        // The content key is opened with nothing but what the documentation says.
        const nonce = bytes.subarray(14, 26);
        const unwrap = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: 16 });
        unwrap.setAAD(Buffer.from(`faiss-memory/1/${kind}-key/0123456789abcdef`));
        unwrap.setAuthTag(bytes.subarray(58, 74));
        const contentKey = Buffer.concat([unwrap.update(bytes.subarray(26, 58)), unwrap.final()]);
        expect(sealObject(place, { dataKey: key, random: replay(contentKey, nonce) }, body)).toEqual(bytes);
        const kindByte = kind === 'head' ? '03' : '02';
        expect(bytes.subarray(0, 14).toString('hex')).toBe(`464d454d01${kindByte}${key.keyId}`);
      }
    }
  });

  test('segments with the same content key are the same bytes', async () => {
    const key = await dataKey();
    const segments = new Map(
      bytesOf(sealed, 'segment').map((bytes) => [createHash('sha256').update(bytes).digest('hex'), bytes]),
    );
    const ids = idsOf(sealed);
    for (const [index, bytes] of bytesOf(sealed, 'manifest').entries()) {
      const json = gunzipSync(
        openObject({ kind: 'manifest', machine: GOLDEN_MACHINE, key: 'fixture' }, [key], bytes),
      );
      const expected = { machine: GOLDEN_MACHINE, snapshotId: ids[index] ?? '', sealed: true };
      for (const { name, contentKey = Buffer.alloc(0) } of decodeManifest(json, expected, checker).segments) {
        const stored = segments.get(name) ?? Buffer.alloc(0);
        const body = openSegment(
          { kind: 'segment', machine: GOLDEN_MACHINE, key: 'fixture' },
          contentKey,
          stored,
        );
        const again = sealSegment(GOLDEN_MACHINE, { dataKey: key, random: replay(contentKey) }, body);
        expect(again.bytes).toEqual(stored);
      }
    }
  });

  test('frames', () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, index) => index));
    const context = { kind: 'segment', machine: GOLDEN_MACHINE } as const;
    expect(sealFrames(key, context, Buffer.from('hello')).toString('hex')).toBe(
      '66d9d9b2dab8bccb5bd2265b6f7a6aaba4246d7d09',
    );
    const long = sealFrames(key, context, Buffer.alloc(2 * FRAME_BYTES + 1, 0x5a));
    expect(long.length).toBe(2 * FRAME_BYTES + 1 + 3 * 16);
    expect(createHash('sha256').update(long).digest('hex')).toBe(
      'ecc18a7615c14955f2b1d0cfca50057d84626b42641928beff3326c09fc3777b',
    );
  });
});
