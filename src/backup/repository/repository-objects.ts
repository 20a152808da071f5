import { createHash } from 'node:crypto';
import type { Blob, BlobStore } from '../../blob/blob-store.ts';
import {
  EncryptionDowngradeError,
  ObjectMissingError,
  RepositoryDamagedError,
} from '../../errors/backup-errors.ts';
import { compareVersionVectors, type VersionVector } from '../../memory/version.ts';
import {
  compress,
  decompress,
  isCompressed,
  isSealed,
  type ObjectAddress,
  openObject,
  sealObject,
} from '../format/sealed-object.ts';
import {
  headKey,
  manifestKey,
  MAX_HEAD_BYTES,
  MAX_MANIFEST_BYTES,
  MAX_STORED_BYTES,
  type RandomBytes,
  segmentKey,
} from '../format/names.ts';
import { getBounded } from './transfer.ts';
import { decodeHead, type Head } from '../format/head.ts';
import type { DataKey, MachineKeys } from './keyring.ts';
import { decodeManifest, type Manifest, type SegmentEntry } from '../format/manifest.ts';
import { ObjectChecker } from '../format/object-checker.ts';
import { assertSegmentBytes } from '../format/segment.ts';

export interface LoadedHead {
  readonly head: Head;
  readonly sealed: boolean;
}

export interface LoadedManifest {
  readonly manifest: Manifest;
  /** The stored bytes, for copying. */
  readonly bytes: Uint8Array;
  readonly sealed: boolean;
}

/** A head's entry for a manifest, which the manifest is checked against. */
export interface ManifestReference {
  readonly snapshotId: string;
  readonly manifestHash: string;
  /** The version vector of the snapshot. */
  readonly clock: VersionVector;
}

/** Larger heads, and the heads of more machines, are read again each time: any writer of the bucket can put them there. */
const MAX_CACHED_BYTES = 256 * 1024;
const MAX_CACHED_HEADS = 64;

/** Heads as a store last sent them. Only for looking: an own head that is about to be replaced is always read anew. */
export class HeadCache {
  readonly #heads = new Map<string, Blob>();

  get(machine: string): Blob | undefined {
    return this.#heads.get(machine);
  }

  /** @param head null removes the machine */
  set(machine: string, head: Blob | null): void {
    this.#heads.delete(machine);
    if (head === null || head.size > MAX_CACHED_BYTES || this.#heads.size >= MAX_CACHED_HEADS) return;
    this.#heads.set(machine, head);
  }
}

/**
 * Reads the objects of one repository. Every method checks the whole object before it returns any of it.
 */
export class RepositoryObjects {
  readonly #store: BlobStore;
  readonly #keys: MachineKeys;

  constructor(store: BlobStore, keys: MachineKeys) {
    this.#store = store;
    this.#keys = keys;
  }

  /**
   * @param allowPlain true accepts a plain head although a passphrase is set
   * @param heads remembers the answer, so that a head that has not changed is not sent again
   * @returns null when the machine has no head
   * @throws RepositoryDamagedError, RepositoryTooNewError, MissingKeyError, WrongPassphraseError, EncryptionDowngradeError
   */
  async readHead(machine: string, allowPlain = false, heads?: HeadCache): Promise<LoadedHead | null> {
    const place = { kind: 'head', machine, key: headKey(machine) } as const;
    const request = { key: place.key, maxBytes: MAX_HEAD_BYTES, known: heads?.get(machine) };
    const blob = await getBounded(this.#store, request);
    heads?.set(machine, blob);
    if (blob === null) return null;
    if (isCompressed(blob.bytes) && !allowPlain) this.#refusePlain(place.key);
    return this.openHead(machine, blob.bytes);
  }

  /** Reads a head from its stored bytes. @throws the errors of `readHead`, except that for a plain head */
  async openHead(machine: string, bytes: Uint8Array): Promise<LoadedHead> {
    const place = { kind: 'head', machine, key: headKey(machine) } as const;
    const json = await this.#open(place, bytes, MAX_HEAD_BYTES);
    return { head: decodeHead(json, machine, new ObjectChecker(place.key)), sealed: isSealed(bytes) };
  }

  /** The stored bytes of a head, whatever they are; null when there is none or when it is too large. */
  async rawHead(machine: string): Promise<Uint8Array | null> {
    const blob = await getBounded(this.#store, { key: headKey(machine), maxBytes: MAX_HEAD_BYTES }).catch(
      nullIfDamaged,
    );
    return blob?.bytes ?? null;
  }

  /**
   * @param sealed true when the head was encrypted; then a plain manifest is refused
   * @throws ObjectMissingError and the errors of `readHead`
   */
  async readManifest(
    machine: string,
    reference: ManifestReference,
    sealed: boolean,
  ): Promise<LoadedManifest> {
    const { snapshotId, manifestHash, clock } = reference;
    const place = { key: manifestKey(machine, snapshotId) };
    const blob = await getBounded(this.#store, { key: place.key, maxBytes: MAX_MANIFEST_BYTES });
    if (blob === null) throw new ObjectMissingError(place.key, this.#store.location);
    if (sealed && isCompressed(blob.bytes)) {
      throw new EncryptionDowngradeError(place.key, 'is plain although its head is encrypted');
    }
    if (createHash('sha256').update(blob.bytes).digest('hex') !== manifestHash) {
      throw new RepositoryDamagedError(place.key, 'has another SHA-256 than its head says');
    }
    const manifest = await this.#openManifest({ machine, snapshotId }, blob.bytes);
    if (compareVersionVectors(manifest.clock, clock) !== 'equal') {
      throw new RepositoryDamagedError(place.key, 'has another version vector than its head says');
    }
    return { manifest, bytes: blob.bytes, sealed: isSealed(blob.bytes) };
  }

  /** Reads a manifest that no readable head lists; null when it is damaged or gone. Its writer is unknown. */
  async readUnlistedManifest(machine: string, snapshotId: string): Promise<Manifest | null> {
    const key = manifestKey(machine, snapshotId);
    const blob = await getBounded(this.#store, { key, maxBytes: MAX_MANIFEST_BYTES }).catch(nullIfDamaged);
    return blob === null
      ? null
      : this.#openManifest({ machine, snapshotId }, blob.bytes).catch(nullIfDamaged);
  }

  async #openManifest(
    { machine, snapshotId }: { readonly machine: string; readonly snapshotId: string },
    bytes: Uint8Array,
  ): Promise<Manifest> {
    const key = manifestKey(machine, snapshotId);
    const json = await this.#open({ kind: 'manifest', machine, key }, bytes, MAX_MANIFEST_BYTES);
    return decodeManifest(json, { machine, snapshotId, sealed: isSealed(bytes) }, new ObjectChecker(key));
  }

  /**
   * @returns the stored bytes, still compressed and encrypted; their size and SHA-256 were checked
   * @throws ObjectMissingError, RepositoryDamagedError
   */
  async readSegment(machine: string, entry: SegmentEntry): Promise<Uint8Array> {
    const key = segmentKey(machine, entry.name);
    const blob = await getBounded(this.#store, { key, maxBytes: MAX_STORED_BYTES });
    if (blob === null) throw new ObjectMissingError(key, this.#store.location);
    assertSegmentBytes(blob.bytes, entry, machine);
    return blob.bytes;
  }

  #refusePlain(key: string): void {
    if (this.#keys.keyring === null) return;
    throw new EncryptionDowngradeError(key, 'is plain although a passphrase is set');
  }

  async #open(address: ObjectAddress, bytes: Uint8Array, maxBytes: number): Promise<Buffer> {
    const body = isSealed(bytes)
      ? openObject(address, await this.#keys.open(address.machine, address.key), bytes)
      : bytes;
    if (!isCompressed(body)) throw new RepositoryDamagedError(address.key, 'is not compressed');
    return decompress(body, maxBytes, address.key);
  }
}

/** @throws the error, unless it is damage */
export function nullIfDamaged(error: unknown): null {
  if (error instanceof RepositoryDamagedError) return null;
  throw error;
}

/** Encodes a head or manifest. @param context.dataKey null writes it unencrypted */
export async function encodeObject(
  address: Omit<ObjectAddress, 'key'>,
  json: Buffer,
  { dataKey, random }: { readonly dataKey: DataKey | null; readonly random: RandomBytes },
): Promise<Buffer> {
  const body = await compress(json);
  return dataKey === null ? body : sealObject(address, { dataKey, random }, body);
}
