import type { BlobStore } from '../blob/blob-store.ts';
import type { MachineKeys } from './machine-keys.ts';
import type { RandomBytes } from './random-bytes.ts';
import type { RepositoryObjects } from './repository-objects.ts';
import type { HeadJournal } from './snapshot-source.ts';

/** What the operations on one repository share. */
export interface RepositoryContext {
  readonly store: BlobStore;
  readonly keys: MachineKeys;
  readonly objects: RepositoryObjects;
  /** Name of this repository in the journal; stays the same when credentials or spelling change. */
  readonly place: string;
  /** The machine whose folder this process may write: its own, and no other. */
  readonly machine: string;
  readonly journal: HeadJournal;
  /** Read plain snapshots of other machines although a passphrase is set. */
  readonly allowPlain: boolean;
  /** Nobody but this data folder can reach the repository: a head that is damaged is written anew. */
  readonly exclusive: boolean;
  /** The store honours `If-Match` on the head: an extra guard, never relied on. */
  readonly conditionalWrites: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: RandomBytes;
}
