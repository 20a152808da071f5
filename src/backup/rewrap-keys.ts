import { MissingKeyError } from '../errors/backup-errors.ts';
import type { Keyring } from './keyring.ts';
import { putVerified } from './put-verified.ts';
import type { RepositoryContext } from './repository-context.ts';
import { keyFileKey } from './repository-keys.ts';

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
