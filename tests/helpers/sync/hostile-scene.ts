import { expect } from 'vitest';
import type { BlobStore } from '../../../src/blob/blob-store.ts';
import { FaissMemoryError, type ErrorCode } from '../../../src/errors/faiss-memory-error.ts';
import type { TestBucket } from './bucket-server.ts';
import { ComposedMachine } from './composed-machine.ts';

/** Objects of a machine's folder. */
export type ObjectKind = 'head' | 'snapshots' | 'segments' | 'key.json';

/** A machine that has published twice, and one that has merged the first time only. */
export class HostileScene {
  readonly bucket: TestBucket;
  readonly writer: ComposedMachine;
  readonly reader: ComposedMachine;
  /** Of the writer, after its first and its second publication. */
  first = new Map<string, Uint8Array>();
  second = new Map<string, Uint8Array>();

  private constructor(bucket: TestBucket, passphrase: string | undefined) {
    this.bucket = bucket;
    this.writer = new ComposedMachine(bucket, passphrase);
    this.reader = new ComposedMachine(bucket, passphrase);
  }

  static async create(bucket: TestBucket, passphrase?: string): Promise<HostileScene> {
    const scene = new HostileScene(bucket, passphrase);
    await scene.writer.add('fact 1');
    await scene.writer.sync.push();
    scene.first = await objectsOf(scene.bucket.store);
    await scene.reader.sync.pull();
    await scene.writer.add('fact 2');
    await scene.writer.sync.push();
    scene.second = await objectsOf(scene.bucket.store);
    return scene;
  }

  /** The newest object of a kind that the reader has not read yet. */
  keyOf(kind: ObjectKind): string {
    const keys = [...this.second.keys()].filter((key) => key.includes(`/${kind}`));
    const fresh = keys.filter((key) => !this.first.has(key));
    const key = fresh[0] ?? keys[0];
    if (key === undefined) throw new Error(`there is no ${kind}`);
    return key;
  }

  async harm(kind: ObjectKind, change: (bytes: Uint8Array) => Uint8Array | null): Promise<void> {
    const key = this.keyOf(kind);
    const bytes = change(this.second.get(key) ?? new Uint8Array());
    await (bytes === null ? this.bucket.store.delete(key) : this.bucket.store.put(key, bytes));
  }

  async repair(): Promise<void> {
    for (const [key, bytes] of this.second) await this.bucket.store.put(key, bytes);
  }

  /** The code of the error of a pull, after which nothing is changed; null = it worked, and is exact. */
  async pull(): Promise<ErrorCode | null> {
    const before = await this.reader.stateDigest();
    try {
      await this.reader.sync.pull();
    } catch (error) {
      if (!(error instanceof FaissMemoryError)) throw error;
      expect(await this.reader.stateDigest()).toBe(before);
      return error.code;
    }
    expect(await this.reader.stateDigest()).toBe(await this.writer.stateDigest());
    return null;
  }
}

async function objectsOf(store: BlobStore): Promise<Map<string, Uint8Array>> {
  const objects = new Map<string, Uint8Array>();
  for (const { key } of await store.list('')) {
    const blob = await store.get(key);
    if (blob !== null) objects.set(key, blob.bytes);
  }
  return objects;
}
