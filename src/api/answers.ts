import type { BackupResult, RestoreResult, SnapshotSummary } from '../backup/backup-api.ts';
import type {
  AddResult,
  DeleteResult,
  SearchHit,
  SearchResponse,
  SimilarMemory,
  Stats,
} from '../memory/memory-api.ts';
import type { HistoryEntry, Memory, MemoryWithHistory } from '../memory/memory.ts';
import { beginningOf, SNIPPET_LENGTH } from '../memory/snippet.ts';
import type { ChangeList } from '../store/replica-store.ts';
import type { MachineStatus, PushResult, SyncProblem, SyncStatus } from '../sync/sync-api.ts';
import { usableNames } from '../util/text.ts';
import type { TimeZone } from '../util/time-zone.ts';

/** Structured content of answers. Lean, for some clients show it to the model: absent instead of empty. */
type Data = Record<string, unknown>;

/** `2026-01-31T12:00:00.000Z`. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}

/** A similarity or score with the digits that mean something. */
export function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** The beginning of a text that may be long. */
export function beginning(text: string): string {
  return beginningOf(text, SNIPPET_LENGTH);
}

/** @param text what of its text is shown */
export function memoryData(memory: Memory, text = memory.text): Data {
  return {
    id: memory.id,
    text,
    ...given('tags', memory.tags),
    ...given('source', memory.source),
    ...metadataData(memory.metadata),
    created: isoTime(memory.createdAt),
    ...(memory.updatedAt === memory.createdAt ? {} : { updated: isoTime(memory.updatedAt) }),
    ...(memory.state === 'live' ? {} : { state: memory.state }),
    ...(memory.conflict ? { conflict: true } : {}),
  };
}

/** With older versions and conflict copies, and all that these had. */
export function fullHistoryData(memory: MemoryWithHistory): Data {
  const versions = memory.history.slice(1).map((version) => ({
    ...versionData(version),
    ...given('tags', version.tags),
    ...given('source', version.source),
    ...metadataData(version.metadata),
  }));
  return { ...memoryData(memory), ...given('versions', versions) };
}

function metadataData(metadata: Memory['metadata']): Data {
  return Object.keys(metadata).length === 0 ? {} : { metadata };
}

export function versionData({ role, state, text, updatedAt }: HistoryEntry): Data {
  return { role, ...(state === 'live' ? {} : { state }), text, updated: isoTime(updatedAt) };
}

/** What to say about an answer before its hits; empty = nothing. */
export function searchNote({ hits, note, nothingRelevant }: SearchResponse): string {
  const quality = nothingRelevant ? 'Probably nothing relevant: no hit is close to the query.' : '';
  return [hits.length === 0 ? 'Nothing found.' : quality, note].filter((part) => part !== '').join(' ');
}

export function hitData({ memory, ...hit }: SearchHit): Data {
  return {
    id: memory.id,
    text: hit.snippet,
    ...(hit.snippetTruncated ? { truncated: true } : {}),
    score: rounded(hit.score),
    ...(hit.similarity === null ? {} : { similarity: rounded(hit.similarity) }),
    ...(hit.vectorRank === null ? {} : { vector_rank: hit.vectorRank }),
    ...(hit.wordRank === null ? {} : { word_rank: hit.wordRank }),
    ...(hit.byNeighbours ? { by_neighbours: true } : {}),
    ...given('words', hit.matchedWords),
    ...given('tags', memory.tags),
    ...given('source', memory.source),
    created: isoTime(memory.createdAt),
  };
}

/** With the day of a zone, which is enough for an agent, instead of the time. */
export function datedHitData(hit: SearchHit, zone: TimeZone): Data {
  return { ...hitData(hit), created: zone.day(hit.memory.createdAt) };
}

export function addedData({ memory, outcome, gained, twin, similar, masked }: AddResult): Data {
  return {
    id: memory.id,
    outcome,
    ...given('gained', gained),
    ...(twin === undefined ? {} : { twin }),
    ...given('similar', similar.map(similarData)),
    ...given('masked', masked),
  };
}

export function similarData({ id, text, similarity, differs }: SimilarMemory): Data {
  return {
    id,
    ...(similarity === null ? {} : { similarity: rounded(similarity) }),
    ...given('differs', differs ?? ''),
    text: beginning(text),
  };
}

export function deletedData({ dryRun, count, examples, confirm }: DeleteResult): Data {
  return {
    dry_run: dryRun,
    count,
    examples: examples.map(({ id }) => id),
    ...(confirm === undefined ? {} : { confirm }),
  };
}

/** Enough for an agent, which pays for each. */
const SHOWN_FACETS = 15;

/** @param facets tags and sources at most */
export function statsData(
  { oldest, newest, embedding, timeZone, ...stats }: Stats,
  facets: number = SHOWN_FACETS,
): Data {
  const { modelId, ready, pending, done, total, secondsLeft, problem } = embedding;
  const tags = stats.tags.slice(0, facets).map(({ tag, count }) => [tag, count]);
  const sources = stats.sources.slice(0, facets).map(({ source, count }) => [source, count]);
  return {
    live: stats.live,
    trash: stats.trash,
    conflicts: stats.conflicts,
    bytes: stats.bytes,
    ...(oldest === null ? {} : { oldest: isoTime(oldest) }),
    ...(newest === null ? {} : { newest: isoTime(newest) }),
    time_zone: timeZone,
    tags: Object.fromEntries(tags),
    sources: Object.fromEntries(sources),
    // An embedder that needs no loading counts itself ready even when it cannot be reached.
    embedding: {
      model: modelId,
      ready: ready && problem === '',
      pending,
      done,
      total,
      ...(secondsLeft === undefined ? {} : { seconds_left: secondsLeft }),
      ...given('problem', problem),
    },
  };
}

/** A member, unless it is empty. */
export function given(name: string, value: string | readonly unknown[]): Data {
  return value.length === 0 ? {} : { [name]: value };
}

/** Snapshots that a status shows. */
const SHOWN_SNAPSHOTS = 10;

/** What `sync_status` found out. */
export interface StatusFacts {
  readonly status: SyncStatus;
  /** Where `snapshots` are. */
  readonly from: 'remote' | 'local';
  /** Oldest first. */
  readonly snapshots: readonly SnapshotSummary[];
}

/** A snapshot with the name that `sync_restore` understands. */
export interface ShownSnapshot extends SnapshotSummary {
  readonly usable: string;
}

/** The newest ones first. Names are shortened only as far as all of them allow. */
export function newestSnapshots(snapshots: readonly SnapshotSummary[]): ShownSnapshot[] {
  const names = usableNames(snapshots);
  return snapshots
    .slice(-SHOWN_SNAPSHOTS)
    .reverse()
    .map((snapshot) => ({ ...snapshot, usable: names.get(snapshot.id) ?? snapshot.id }));
}

export function statusData({ status, from, snapshots }: StatusFacts): Data {
  const { enabled, relation, unsentWrites, reachable, lastPush, lastPull, problem, heldMerge } = status;
  return {
    enabled,
    relation,
    ...(status.location === null ? {} : { location: status.location }),
    mode: status.mode,
    encrypted: status.encrypted,
    machine: status.machine,
    state: status.stateDigest,
    ...(reachable === null ? {} : { reachable: reachable.value, observed: isoTime(reachable.at) }),
    ...(lastPush === null ? {} : { pushed: lastPush.value.snapshot, pushed_at: isoTime(lastPush.at) }),
    ...(lastPull === null ? {} : { pulled_at: isoTime(lastPull.at) }),
    ...(unsentWrites === null ? {} : { unsent: unsentWrites }),
    ...(status.conflicts === 0 ? {} : { conflicts: status.conflicts }),
    ...(heldMerge === null ? {} : { held_removals: heldMerge.removed }),
    ...(status.emptyStart === 'pending' ? { empty_start: 'pending' } : {}),
    ...given('machines', status.machines.map(machineData)),
    from,
    snapshots: newestSnapshots(snapshots).map(snapshotData),
    ...(problem === null ? {} : { problem: problemData(problem) }),
    ...given('warnings', status.warnings),
  };
}

function machineData({ machine, own, snapshots, newest, order, ...state }: MachineStatus): Data {
  return {
    machine,
    ...(own ? { own } : {}),
    snapshots,
    ...(newest === null ? {} : { newest: newest.name, memories: newest.live }),
    ...(order === null ? {} : { included: order === 'before' || order === 'equal' }),
    ...(state.rolledBack ? { rolled_back: true } : {}),
    ...(state.problem === null ? {} : { problem: problemData(state.problem) }),
  };
}

function problemData({ code, message, fix, at }: SyncProblem): Data {
  return { code, message, ...(fix === undefined ? {} : { fix }), at: isoTime(at) };
}

function snapshotData({ usable, createdAt, live, bytes, pinned, order }: ShownSnapshot): Data {
  return {
    name: usable,
    created: isoTime(createdAt),
    memories: live,
    bytes,
    ...(pinned ? { pinned } : {}),
    ...(order === 'before' || order === 'equal' ? {} : { not_included: true }),
  };
}

/** Snapshots in full, in the given order, with the names that a restore understands. */
export function snapshotList(snapshots: readonly SnapshotSummary[]): Data[] {
  const names = usableNames(snapshots);
  return snapshots.map((snapshot) => ({
    ...snapshotData({ ...snapshot, usable: names.get(snapshot.id) ?? snapshot.id }),
    machine: snapshot.machine,
    ...(snapshot.own ? { own: true } : {}),
    kind: snapshot.kind,
    trash: snapshot.trash,
    encrypted: snapshot.encrypted,
  }));
}

/** @param push null when sync is off */
export function uploadData({ outcome, snapshot, bytesWritten }: BackupResult, push: PushResult | null): Data {
  return {
    snapshot: snapshot.name,
    backup: outcome,
    memories: snapshot.live,
    bytes: bytesWritten,
    uploaded: push !== null,
    ...(push === null ? {} : { upload: push.outcome, uploaded_bytes: push.bytes }),
    ...given('skipped', push?.skipped ?? []),
  };
}

export function restoreData({ mode, snapshots, changes, confirm, warnings, undo }: RestoreResult): Data {
  const names = usableNames(snapshots);
  return {
    mode,
    applied: changes?.applied ?? false,
    snapshots: snapshots.map(({ id }) => names.get(id) ?? id),
    added: changes?.added.count ?? 0,
    changed: changes?.changed.count ?? 0,
    removed: changes?.removed.count ?? 0,
    ...(changes === null || changes.conflicts === 0 ? {} : { conflicts: changes.conflicts }),
    ...(changes === null ? {} : given('removed_ids', idsOf(changes.removed))),
    ...(confirm === undefined ? {} : { confirm }),
    ...(undo === undefined ? {} : { undo: undo.name }),
    ...given('warnings', warnings ?? []),
  };
}

function idsOf({ examples }: ChangeList): string[] {
  return examples.map(({ id }) => id);
}
