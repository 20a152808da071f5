import { createHash } from 'node:crypto';
import { FaissMemoryError } from '../../errors/faiss-memory-error.ts';
import { DigestSums, digestProblems } from '../format/digest-sums.ts';
import { manifestKey, MAX_STORED_BYTES, segmentKey } from '../format/names.ts';
import { getBounded } from './transfer.ts';
import type { LoadedHead, LoadedManifest } from './repository-objects.ts';
import { newestRows } from './newest-rows.ts';
import { listMachineFiles, type RepositoryContext } from './repository-context.ts';
import type { WorkOptions } from '../backup-api.ts';
import type { HeadSnapshot } from '../format/head.ts';
import type { Manifest } from '../format/manifest.ts';

/** One damaged or missing object. */
export interface VerifyProblem {
  /** Key of the object. */
  readonly key: string;
  /** A sentence for the user. */
  readonly problem: string;
}

export interface VerifyReport {
  readonly problems: readonly VerifyProblem[];
  /** Keys of the objects that were checked and found sound. */
  readonly checked: readonly string[];
}

/** A head to check, with the signal and the progress of the check. */
interface Loaded extends WorkOptions {
  readonly loaded: LoadedHead;
}

/** Number of memories between two checks of the signal. */
const ROWS_PER_STEP = 500;

interface Target {
  readonly key: string;
  readonly size: number | null;
  readonly sha256: string;
}

/**
 * Level 1: checks that every object that a machine's head needs exists and has the right size. Reads one LIST and
 * all manifests, which are checked completely.
 */
export async function verifySizes(
  context: RepositoryContext,
  machine: string,
  { loaded, ...work }: Loaded,
): Promise<VerifyReport> {
  const { targets, problems } = await collectTargets(context, machine, { loaded, ...work });
  const files = await listMachineFiles(context.store, machine);
  const sizes = new Map(
    [...files.manifests.values(), ...files.segments.values()].map((f) => [f.key, f.size]),
  );
  const checked: string[] = [];
  for (const { key, size } of targets) {
    const found = sizes.get(key);
    if (found === undefined) problems.push({ key, problem: 'The object is missing.' });
    else if (size !== null && found !== size)
      problems.push({ key, problem: `The object has ${found} of its ${size} bytes.` });
    else checked.push(key);
  }
  return { problems, checked };
}

export interface HashBudget {
  /** The check stops after about this many bytes. It reads at least one object. */
  readonly maxBytes: number;
  /** Time of the last check by key, in milliseconds since the epoch. Absent: never checked. The oldest go first. */
  readonly lastChecked: ReadonlyMap<string, number>;
}

/** Level 2: reads objects and compares their SHA-256. Segments are not decrypted. */
export async function verifyHashes(
  context: RepositoryContext,
  { machine, ...work }: { readonly machine: string } & Loaded,
  { maxBytes, lastChecked }: HashBudget,
): Promise<VerifyReport> {
  const { targets, problems } = await collectTargets(context, machine, work);
  const { signal, onProgress } = work;
  const oldestFirst = targets.toSorted(
    (a, b) => (lastChecked.get(a.key) ?? -Infinity) - (lastChecked.get(b.key) ?? -Infinity) || 0,
  );
  const checked: string[] = [];
  let left = maxBytes;
  for (const [done, { key, sha256 }] of oldestFirst.entries()) {
    if (left <= 0) break;
    signal?.throwIfAborted();
    onProgress?.({ step: 'comparing objects', done, total: oldestFirst.length });
    const blob = await getBounded(context.store, { key, maxBytes: MAX_STORED_BYTES }).catch(
      (error: unknown) => {
        problems.push({ key, problem: describe(error) });
        return undefined;
      },
    );
    left -= blob?.bytes.length ?? 0;
    if (blob === null) problems.push({ key, problem: 'The object is missing.' });
    if (blob === null || blob === undefined) continue;
    if (createHash('sha256').update(blob.bytes).digest('hex') === sha256) checked.push(key);
    else problems.push({ key, problem: 'The object has other bytes than were written.' });
  }
  return { problems, checked };
}

/**
 * Level 3: decrypts and reads a whole snapshot, and compares the number of memories and both digests with the
 * manifest. Memory: that of `newestRows`.
 */
export async function verifyContent(
  context: RepositoryContext,
  manifest: Manifest,
  { signal, onProgress }: WorkOptions = {},
): Promise<VerifyReport> {
  const { machine, snapshotId, segments, facts } = manifest;
  const key = manifestKey(machine, snapshotId);
  const sums = new DigestSums();
  try {
    const read = (entry: Manifest['segments'][number]): Promise<Uint8Array> =>
      context.objects.readSegment(machine, entry);
    for await (const { state } of newestRows({ machine, segments, read })) {
      sums.add(state);
      if (sums.memories % ROWS_PER_STEP !== 0) continue;
      signal?.throwIfAborted();
      onProgress?.({ step: 'checking content', done: sums.memories, total: facts.memories });
    }
  } catch (error) {
    signal?.throwIfAborted();
    return { problems: [{ key, problem: describe(error) }], checked: [] };
  }
  const problems = digestProblems(sums, manifest);
  return {
    problems: problems.map((problem) => ({ key, problem: `It ${problem}.` })),
    checked: problems.length > 0 ? [] : [key],
  };
}

/** Collects the objects of all listed snapshots, each once. An unreadable manifest is a problem. */
async function collectTargets(
  { objects }: RepositoryContext,
  machine: string,
  { loaded: { head, sealed }, signal, onProgress }: Loaded,
): Promise<{ targets: Target[]; problems: VerifyProblem[] }> {
  const targets = new Map<string, Target>();
  const problems: VerifyProblem[] = [];
  const load = async (snapshot: HeadSnapshot): Promise<LoadedManifest | null> => {
    try {
      return await objects.readManifest(machine, snapshot, sealed);
    } catch (error) {
      problems.push({ key: manifestKey(machine, snapshot.snapshotId), problem: describe(error) });
      return null;
    }
  };
  for (const [done, snapshot] of head.snapshots.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ step: 'reading snapshots', done, total: head.snapshots.length });
    const loaded = await load(snapshot);
    if (loaded === null) continue;
    const key = manifestKey(machine, snapshot.snapshotId);
    targets.set(key, { key, size: loaded.bytes.length, sha256: snapshot.manifestHash });
    for (const { name, bytes } of loaded.manifest.segments) {
      const segment = segmentKey(machine, name);
      targets.set(segment, { key: segment, size: bytes, sha256: name });
    }
  }
  return { targets: [...targets.values()], problems };
}

/** The message of an error about an object. Throws a failure of the store again, which ends the check. */
function describe(error: unknown): string {
  if (error instanceof FaissMemoryError && error.code !== 'BLOB_STORE') return `${error.message}.`;
  throw error;
}
