import { MissingKeyError, RepositoryDamagedError, WrongPassphraseError } from '../../errors/backup-errors.ts';
import { decodeKeyFile } from '../format/key-file.ts';
import { headKey, keyFileKey } from '../format/names.ts';
import { ObjectChecker } from '../format/object-checker.ts';
import type { DataKey, Keyring } from './keyring.ts';
import type { RepositoryContext } from './repository-context.ts';
import { putVerified } from './transfer.ts';

/**
 * Makes sure that the target's key file opens everything that the source's opens and everything that the target
 * holds already. Usually both are the same bytes, and nothing is written. After a rotated passphrase the
 * source's file replaces the target's; when the local one was lost and made anew, both are united.
 * @throws MissingKeyError when the source has none; WrongPassphraseError when the files cannot be united
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

/** Null when the file is damaged, or has another passphrase and no key that we lack: an older passphrase of our own. */
async function unlockUnlessRotated(
  keyring: Keyring,
  machine: string,
  { theirs, own }: { readonly theirs: Uint8Array; readonly own: readonly DataKey[] },
): Promise<readonly DataKey[] | null> {
  try {
    return await keyring.unlock(machine, theirs);
  } catch (error) {
    // Nobody can open what is damaged; ours makes at least our own objects readable again.
    if (error instanceof RepositoryDamagedError) return null;
    if (!(error instanceof WrongPassphraseError)) throw error;
    const file = decodeKeyFile(Buffer.from(theirs), machine, new ObjectChecker(keyFileKey(machine)));
    const ownIds = new Set(own.map(({ keyId }) => keyId));
    if (file.keys.every(({ keyId }) => ownIds.has(keyId))) return null;
    throw error;
  }
}

/**
 * Wraps the data keys of the own machine with another passphrase. Objects stay as they are; from now on the old
 * passphrase opens nothing here. One object is replaced, so a crash leaves the old key file or the new one.
 * @throws MissingKeyError when the repository is plain; WrongPassphraseError when the present passphrase is not its
 */
export async function rewrapKeys({ store, keys, machine }: RepositoryContext, next: Keyring): Promise<void> {
  const key = keyFileKey(machine);
  if (keys.keyring === null) throw new MissingKeyError(key, 'no-passphrase');
  const dataKeys = await keys.open(machine, key);
  await putVerified(store, { key, bytes: await next.wrap(machine, dataKeys) });
}
