import { describe, expect, test } from 'vitest';
import { decodeKeyFile, encodeKeyFile } from '../../../src/backup/format/key-file.ts';
import { Keyring } from '../../../src/backup/repository/keyring.ts';
import { ObjectChecker } from '../../../src/backup/format/object-checker.ts';
import {
  EncryptionDowngradeError,
  RepositoryDamagedError,
  WrongPassphraseError,
} from '../../../src/errors/backup-errors.ts';
import { FaissMemoryError } from '../../../src/errors/faiss-memory-error.ts';
import { SecretString } from '../../../src/util/secret-string.ts';
import { MACHINE_A, MACHINE_B, quickKeyring } from '../../helpers/test-repository.ts';

const checker = new ObjectChecker('v1/…/key.json');

async function keyFile(): Promise<Buffer> {
  const keyring = quickKeyring();
  return keyring.wrap(MACHINE_A, [keyring.createDataKey(), keyring.createDataKey()]);
}

/** The file with other scrypt parameters and a checksum that fits. */
async function withCost(cost: { n: number; r: number; p: number }): Promise<Buffer> {
  const file = decodeKeyFile(await keyFile(), MACHINE_A, checker);
  return encodeKeyFile({ ...file, cost });
}

describe('a key file', () => {
  test('gives back all keys in order, and has none of them in the clear', async () => {
    const keyring = quickKeyring();
    const keys = [keyring.createDataKey(), keyring.createDataKey()];
    const file = await keyring.wrap(MACHINE_A, keys);
    expect(await quickKeyring().unlock(MACHINE_A, file)).toEqual(keys);
    for (const { bytes } of keys) {
      expect(file.toString().includes(bytes.toString('base64'))).toBe(false);
    }
    expect(file.toString().includes('correct horse')).toBe(false);
  });

  test('a wrong passphrase is told apart from damage', async () => {
    const file = await keyFile();
    await expect(quickKeyring('wrong').unlock(MACHINE_A, file)).rejects.toThrow(WrongPassphraseError);
    await expect(quickKeyring().unlock(MACHINE_B, file)).rejects.toThrow(RepositoryDamagedError);
  });

  test('any flipped bit is damage, never a wrong passphrase and never other keys', async () => {
    const file = await keyFile();
    const keyring = quickKeyring();
    const expected = await keyring.unlock(MACHINE_A, file);
    for (let index = 0; index < file.length; index += 1) {
      const flipped = Buffer.from(file);
      flipped[index] = (flipped[index] ?? 0) ^ (1 << (index % 8));
      const result = await keyring.unlock(MACHINE_A, flipped).catch((error: unknown) => error);
      if (result instanceof FaissMemoryError) {
        expect(['REPOSITORY_DAMAGED', 'REPOSITORY_TOO_NEW']).toContain(result.code);
      } else expect(result).toEqual(expected);
    }
  });

  test('a rotated passphrase opens the same keys, and the old one none', async () => {
    const file = await keyFile();
    const keys = await quickKeyring().unlock(MACHINE_A, file);
    const rotated = await quickKeyring('new').wrap(MACHINE_A, keys);
    expect(await quickKeyring('new').unlock(MACHINE_A, rotated)).toEqual(keys);
    await expect(quickKeyring().unlock(MACHINE_A, rotated)).rejects.toThrow(WrongPassphraseError);
  });

  test.each([
    { n: 2 ** 30, r: 8, p: 1 },
    { n: 2 ** 17, r: 8, p: 1_000 },
    { n: 2 ** 17, r: 2 ** 31, p: 1 },
    { n: 2 ** 4, r: 8, p: 2 ** 30 },
    { n: 3, r: 8, p: 1 },
    { n: 1, r: 8, p: 1 },
  ])('that asks for scrypt with %o is refused before any work', async (cost) => {
    await expect(quickKeyring().unlock(MACHINE_A, await withCost(cost))).rejects.toThrow(
      RepositoryDamagedError,
    );
  });

  test('with a cheaper key derivation than our own is a downgrade', async () => {
    const strict = new Keyring({ passphrase: new SecretString('correct horse battery staple') });
    await expect(strict.unlock(MACHINE_A, await keyFile())).rejects.toThrow(EncryptionDowngradeError);
  });

  test('that wraps a key under the id of another is refused', async () => {
    const keyring = quickKeyring();
    const [one, two] = [keyring.createDataKey(), keyring.createDataKey()];
    const file = await keyring.wrap(MACHINE_A, [{ keyId: one.keyId, bytes: two.bytes }]);
    await expect(quickKeyring().unlock(MACHINE_A, file)).rejects.toThrow(WrongPassphraseError);
  });
});
