import { MissingKeyError, RepositoryDamagedError, WrongPassphraseError } from '../../errors/backup-errors.ts';
import { decodeKeyFile } from '../format/key-file.ts';
import { headKey, keyFileKey } from '../format/names.ts';
import { ObjectChecker } from '../format/object-checker.ts';
import type { DataKey, Keyring } from './keyring.ts';
import type { RepositoryContext } from './repository-context.ts';
import { putVerified } from './transfer.ts';

/**
 * Makes sure that the target's key file holds all data keys of the source and of the target. Usually both files are
 * equal, and nothing is written. After a change of the passphrase the source's file replaces the target's. After the
 * source's file was lost and created again, the target gets a file with the keys of both.
 * @returns true when the target's file was written
 * @throws MissingKeyError when the source has no key file; WrongPassphraseError when the target's file has unknown
 *   keys under another passphrase
 */
export async function copyKeyFile(
  source: RepositoryContext,
  target: RepositoryContext,
  keyring: Keyring,
): Promise<boolean> {
  const { machine } = source;
  const ours = await source.keys.readFile(machine);
  if (ours === null) throw new MissingKeyError(headKey(machine), 'no-key-file');
  const theirs = await target.keys.readFile(machine);
  const bytes = theirs === null ? ours : await united(keyring, machine, { ours, theirs });
  if (bytes === theirs) return false;
  await putVerified(target.store, { key: keyFileKey(machine), bytes });
  return true;
}

async function united(
  keyring: Keyring,
  machine: string,
  { ours, theirs }: { readonly ours: Uint8Array; readonly theirs: Uint8Array },
): Promise<Uint8Array> {
  if (Buffer.compare(ours, theirs) === 0) return theirs;
  const own = await keyring.unlock(machine, ours);
  const other = await unlockUnlessRotated(keyring, machine, { theirs, own });
  if (other === null) return ours;
  const known = new Set(other.map(({ keyId }) => keyId));
  if (own.every(({ keyId }) => known.has(keyId))) return theirs;
  const ownIds = new Set(own.map(({ keyId }) => keyId));
  return keyring.wrap(machine, [...own, ...other.filter(({ keyId }) => !ownIds.has(keyId))]);
}

/**
 * @returns null when the file may be replaced: it is damaged, or it has another passphrase but only known keys,
 *   because the passphrase was changed
 */
async function unlockUnlessRotated(
  keyring: Keyring,
  machine: string,
  { theirs, own }: { readonly theirs: Uint8Array; readonly own: readonly DataKey[] },
): Promise<readonly DataKey[] | null> {
  try {
    return await keyring.unlock(machine, theirs);
  } catch (error) {
    // The damaged file opens nothing. The own one makes at least the own objects readable again.
    if (error instanceof RepositoryDamagedError) return null;
    if (!(error instanceof WrongPassphraseError)) throw error;
    const file = decodeKeyFile(Buffer.from(theirs), machine, new ObjectChecker(keyFileKey(machine)));
    const ownIds = new Set(own.map(({ keyId }) => keyId));
    if (file.keys.every(({ keyId }) => ownIds.has(keyId))) return null;
    throw error;
  }
}

/**
 * Wraps the data keys of the own machine with another passphrase. Only the key file is replaced, so a crash leaves
 * either the old or the new one. Afterwards the old passphrase opens none of the machine's objects.
 * @throws MissingKeyError when the repository is plain; WrongPassphraseError when the present passphrase does not
 *   open the key file
 */
export async function rewrapKeys({ store, keys, machine }: RepositoryContext, next: Keyring): Promise<void> {
  const key = keyFileKey(machine);
  if (keys.keyring === null) throw new MissingKeyError(key, 'no-passphrase');
  const dataKeys = await keys.open(machine, key);
  await putVerified(store, { key, bytes: await next.wrap(machine, dataKeys) });
}
