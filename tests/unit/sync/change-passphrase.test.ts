import { describe, expect, test } from 'vitest';
import { Keyring } from '../../../src/backup/repository/keyring.ts';
import { MissingKeyError, WrongPassphraseError } from '../../../src/errors/backup-errors.ts';
import { SecretString } from '../../../src/util/secret-string.ts';
import { MemoryBucket, MemoryMachine } from '../../helpers/sync/memory-machine.ts';

const OLD = new SecretString('seven tired herons cross the harbour');
const NEW = new SecretString('nine green bottles on the window sill');

/** The same data folder, in a process with another passphrase. */
function restarted(bucket: MemoryBucket, machine: MemoryMachine, passphrase: SecretString): MemoryMachine {
  const { replica, folder } = machine;
  return new MemoryMachine(bucket, { replica, folder, keyring: new Keyring({ passphrase }) });
}

describe('changing the passphrase', () => {
  test('leaves every older snapshot readable with the new one, here and at the remote, and with the new one only', async () => {
    const bucket = new MemoryBucket();
    const before = new MemoryMachine(bucket, { keyring: new Keyring({ passphrase: OLD }) });
    before.add('tea at four');
    await before.sync.push();
    const segments = bucket.keys(/segments/);
    await before.backup.changePassphrase(NEW);
    const machine = restarted(bucket, before, NEW);
    expect((await machine.sync.push()).outcome).toBe('pushed');
    expect(bucket.keys(/segments/)).toEqual(segments);
    expect(await machine.backup.list()).toHaveLength(1);
    const other = new MemoryMachine(bucket, { keyring: new Keyring({ passphrase: NEW }) });
    await other.sync.pull();
    expect(await other.sync.status()).toMatchObject({ relation: 'in-sync' });
    const late = new MemoryMachine(bucket, { keyring: new Keyring({ passphrase: OLD }) });
    await expect(late.sync.pull()).rejects.toThrow(WrongPassphraseError);
    await expect(restarted(bucket, machine, OLD).sync.push()).rejects.toThrow(WrongPassphraseError);
  });

  test('needs the present passphrase, and backups that have one', async () => {
    const bucket = new MemoryBucket();
    const sealed = new MemoryMachine(bucket, { keyring: new Keyring({ passphrase: OLD }) });
    sealed.add('tea at four');
    await sealed.backup.backup();
    await expect(restarted(bucket, sealed, NEW).backup.changePassphrase(NEW)).rejects.toThrow(
      WrongPassphraseError,
    );
    const plain = new MemoryMachine(bucket);
    await plain.backup.backup();
    await expect(plain.backup.changePassphrase(NEW)).rejects.toThrow(MissingKeyError);
  });
});
