import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  deriveKey,
  FRAME_BYTES,
  openFrames,
  openGcm,
  sealFrames,
  sealGcm,
  TAG_BYTES,
} from '../../../src/backup/format/encryption.ts';
import {
  isSealed,
  openObject,
  openSegment,
  sealObject,
  sealSegment,
} from '../../../src/backup/format/sealed-object.ts';
import {
  MissingKeyError,
  RepositoryDamagedError,
  RepositoryTooNewError,
} from '../../../src/errors/backup-errors.ts';
import { SecretString } from '../../../src/util/secret-string.ts';
import { MACHINE_A, MACHINE_B } from '../../helpers/test-repository.ts';

const key = Buffer.alloc(32, 7);
const segment = { kind: 'segment', machine: MACHINE_A, key: 'v1/…' } as const;
const dataKey = { keyId: '0011223344556677', bytes: key };
const sealer = { dataKey, random: randomBytes };

describe('published test vectors', () => {
  test('AES-256-GCM, test case 14 of the GCM specification', () => {
    const input = { key: Buffer.alloc(32), nonce: Buffer.alloc(12), aad: Buffer.alloc(0) };
    const sealed = sealGcm(input, Buffer.alloc(16));
    expect(sealed.toString('hex')).toBe('cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919');
    expect(openGcm(input, sealed)).toEqual(Buffer.alloc(16));
  });

  test('scrypt, second vector of RFC 7914 (its first 32 bytes)', async () => {
    const derived = await deriveKey(new SecretString('password'), Buffer.from('NaCl'), {
      n: 1024,
      r: 8,
      p: 16,
    });
    expect(derived.toString('hex')).toBe('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162');
  });

  test('passphrases that look the same are the same', async () => {
    const cost = { n: 16, r: 8, p: 1 };
    const salt = Buffer.from('salt');
    const composed = await deriveKey(new SecretString('caf\u00e9'), salt, cost);
    expect(await deriveKey(new SecretString('cafe\u0301'), salt, cost)).toEqual(composed);
  });
});

describe('frames', () => {
  test.each([0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES])(
    'of %i bytes open again',
    (size) => {
      const plain = randomBytes(size);
      const sealed = sealFrames(key, segment, plain);
      expect(sealed.length).toBe(size + TAG_BYTES * Math.max(1, Math.ceil(size / FRAME_BYTES)));
      expect(openFrames(key, segment, sealed).equals(plain)).toBe(true);
    },
  );

  test('any other place, kind or machine is refused', () => {
    const sealed = sealFrames(key, segment, Buffer.from('text'));
    for (const change of [{ kind: 'manifest' as const }, { machine: MACHINE_B }]) {
      expect(() => openFrames(key, { ...segment, ...change }, sealed)).toThrow(RepositoryDamagedError);
    }
    expect(() => openFrames(Buffer.alloc(32, 8), segment, sealed)).toThrow(RepositoryDamagedError);
  });

  test('truncated, repeated, dropped and swapped frames are refused', () => {
    const stride = FRAME_BYTES + TAG_BYTES;
    const sealed = sealFrames(key, segment, randomBytes(2 * FRAME_BYTES + 100));
    const [a, b, c] = [
      sealed.subarray(0, stride),
      sealed.subarray(stride, 2 * stride),
      sealed.subarray(2 * stride),
    ];
    const wrong = [
      [a, b],
      [a],
      [b, c],
      [b, a, c],
      [a, c],
      [a, b, c, c],
      [a, a, b, c],
      [c],
      [],
      [a, b, c.subarray(0, 15)],
    ];
    for (const frames of wrong) {
      expect(() => openFrames(key, segment, Buffer.concat(frames))).toThrow(RepositoryDamagedError);
    }
  });

  test('any flipped bit is noticed', () => {
    const sealed = sealFrames(key, segment, Buffer.from('some text of a memory'));
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openFrames(key, segment, flipped)).toThrow(RepositoryDamagedError);
    }
  });
});

describe('sealed objects', () => {
  const place = { kind: 'manifest', machine: MACHINE_A, key: 'v1/…' } as const;

  test('open with the data key, and each has a content key of its own', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (body) => {
        const sealed = sealObject(place, sealer, body);
        expect(isSealed(sealed)).toBe(true);
        expect(openObject(place, [dataKey], sealed).equals(body)).toBe(true);
        expect(sealObject(place, sealer, body).subarray(14)).not.toEqual(sealed.subarray(14));
      }),
    );
  });

  test('the four ways not to open are told apart', () => {
    const sealed = sealObject(place, sealer, Buffer.from('body'));
    expect(() => openObject(place, [{ ...dataKey, keyId: 'ff'.repeat(8) }], sealed)).toThrow(MissingKeyError);
    expect(() => openObject({ ...place, kind: 'head' }, [dataKey], sealed)).toThrow(RepositoryDamagedError);
    expect(() => openObject({ ...place, machine: MACHINE_B }, [dataKey], sealed)).toThrow(
      RepositoryDamagedError,
    );
    expect(() => openObject(place, [{ ...dataKey, bytes: Buffer.alloc(32, 9) }], sealed)).toThrow(
      RepositoryDamagedError,
    );
    const newer = Buffer.from(sealed);
    newer[4] = 2;
    expect(() => openObject(place, [dataKey], newer)).toThrow(RepositoryTooNewError);
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => openObject(place, [dataKey], sealed.subarray(0, length))).toThrow(RepositoryDamagedError);
    }
  });

  test('a segment opens with its content key only', () => {
    const { bytes, contentKey } = sealSegment(MACHINE_A, sealer, Buffer.from('rows'));
    expect(openSegment(segment, contentKey, bytes)).toEqual(Buffer.from('rows'));
    expect(bytes.includes(contentKey)).toBe(false);
    expect(() => openSegment(segment, key, bytes)).toThrow(RepositoryDamagedError);
  });
});
