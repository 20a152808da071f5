import { createHash } from 'node:crypto';
import { InMemoryBlobStore, type StoredBlob } from '../../src/blob/in-memory-blob-store.ts';
import { InMemoryHeadJournal } from './in-memory-head-journal.ts';
import type { CarriedVersion, MemoryState } from '../../src/backup/ports.ts';
import { Keyring } from '../../src/backup/repository/keyring.ts';
import type { RandomBytes } from '../../src/backup/format/names.ts';
import { Repository } from '../../src/backup/repository/repository.ts';
import type { Version } from '../../src/memory/version.ts';
import { SecretString } from '../../src/util/secret-string.ts';
import { idOf, ModelStore } from './model-store.ts';

export const GOLDEN_MACHINE = '0123456789abcdef';
export const GOLDEN_PEER = 'fedcba9876543210';
export const GOLDEN_PASSPHRASE = 'correct horse battery staple — ünïcode';

/** Bytes that look random and are the same every time. */
export function countingRandom(seed: string): RandomBytes {
  let calls = 0;
  return (size) => {
    calls += 1;
    return createHash('sha512').update(`${seed} ${calls}`).digest().subarray(0, size);
  };
}

function version(dot: Version['dot'], fields: Partial<CarriedVersion>): CarriedVersion {
  return {
    dot,
    state: 'live',
    text: '',
    tags: [],
    source: '',
    metadata: {},
    createdAt: 1_750_000_000_000,
    updatedAt: 1_750_000_001_000,
    vectors: [],
    ...fields,
  };
}

/** What the peer has: a memory in every state that a version can have, and one side of a conflict. */
function peerStates(): MemoryState[] {
  const dot = (n: number): Version['dot'] => ({ machine: GOLDEN_PEER, n });
  const chunk = (
    start: number,
    end: number,
    bytes: number[],
  ): CarriedVersion['vectors'][number]['chunks'][number] => ({
    start,
    end,
    vector: Buffer.from([0, 0, 0, 0x3c, ...bytes]),
  });
  const text = 'Schöne Grüße, 世界 🌍: tab\t, "quotes", back\\slash, \u2028 and \u007f';
  return [
    {
      id: idOf(1),
      siblings: [
        version(dot(1), {
          text,
          tags: ['Z', 'a', 'é', '\ud83c\udf0d', '\uff5e'].sort(),
          source: 'notes/2026.md',
          metadata: {
            int: 7,
            float: 0.1,
            big: 1e21,
            small: 1e-7,
            neg: -2.5,
            list: [null, true, 'x'],
            '\uff5e': { '\ud83c\udf0d': {} },
          },
          vectors: [
            {
              modelId: { modelId: 'e5-small-v2-int8', dimension: 3, weightsHash: 'ab'.repeat(32) },
              chunks: [chunk(0, 20, [1, 127, 129]), chunk(18, text.length, [0, 255, 3])],
            },
            {
              modelId: { modelId: 'openai:small', dimension: 1, weightsHash: '' },
              chunks: [chunk(0, 5, [9])],
            },
          ],
        }),
      ],
    },
    { id: idOf(2), siblings: [version(dot(2), { state: 'deleted', text: 'in the trash', tags: ['t'] })] },
    { id: idOf(3), siblings: [version(dot(3), { state: 'stripped' })] },
    { id: idOf(4), siblings: [version(dot(4), { state: 'purged' })] },
    { id: idOf(5), siblings: [version(dot(5), { text: 'one side', updatedAt: 1_900_000_000_000 })] },
  ];
}

export interface GoldenRepository {
  readonly objects: ReadonlyMap<string, StoredBlob>;
  /** States of the newest snapshot. */
  readonly states: readonly MemoryState[];
}

/** A small repository with three snapshots of one machine: full, two changes, none but the clock. */
export async function buildGoldenRepository(keyring: Keyring | null): Promise<GoldenRepository> {
  let time = Date.UTC(2026, 0, 31, 23, 59, 58, 123);
  const now = (): number => (time += 1_000);
  const store = new InMemoryBlobStore({ now: () => 0 });
  const repository = new Repository({
    store,
    repositoryId: 'golden',
    machine: GOLDEN_MACHINE,
    journal: new InMemoryHeadJournal(),
    keyring,
    now,
    random: countingRandom('repository'),
  });
  const model = new ModelStore(GOLDEN_MACHINE);
  model.write(idOf(5), { text: 'the other side' });
  model.merge(peerStates(), { [GOLDEN_PEER]: 5 });
  await repository.writeSnapshot(model.view(), { kind: 'manual', pinned: true });
  model.write(idOf(6), { text: 'added later' });
  model.delete(idOf(1));
  await repository.writeSnapshot(model.view(), { kind: 'auto' });
  model.merge([], { '00000000000000aa': 3 });
  await repository.writeSnapshot(model.view(), { kind: 'pre_restore' });
  return { objects: store.objects, states: model.states() };
}

export function goldenKeyring(): Keyring {
  return new Keyring({ passphrase: new SecretString(GOLDEN_PASSPHRASE), random: countingRandom('keyring') });
}
