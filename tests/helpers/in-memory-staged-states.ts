import type { CarriedVersion, MemoryState } from '../../src/backup/ports.ts';
import { StateChangedError } from '../../src/errors/input-errors.ts';
import {
  canonicalJson,
  covers,
  currentVersion,
  joinVersionVectors,
  type MemoryContent,
  mergeMemory,
} from '../../src/memory/version.ts';
import type {
  ApplyRequest,
  ChangeExample,
  ChangeList,
  ChangeReport,
  RemovalLimit,
  StagedStates,
} from '../../src/store/replica-store.ts';
import type { MemoryTable } from './memory-table.ts';

/** What staged states need of the replica that they were collected for. */
export interface StagingHost {
  readonly table: () => MemoryTable;
  readonly now: () => number;
  readonly commit: (table: MemoryTable, note: ApplyRequest['note']) => void;
}

type Counts = Pick<ChangeReport, 'reusedDots' | 'missingIds' | 'keptErased'>;

/** States of one snapshot beside an in-memory replica; the contract is that of the port. */
export class InMemoryStagedStates implements StagedStates {
  readonly #states: readonly MemoryState[];
  readonly #host: StagingHost;

  constructor(states: readonly MemoryState[], host: StagingHost) {
    this.#states = states;
    this.#host = host;
  }

  get memories(): number {
    return this.#states.length;
  }

  merge(request: ApplyRequest): Promise<ChangeReport> {
    return this.#apply(request, (table) => ({ ...this.#merge(table, request), keptErased: 0 }));
  }

  restore(request: ApplyRequest): Promise<ChangeReport> {
    if (!request.complete) return Promise.reject(new RangeError('only a complete snapshot can be restored'));
    return this.#apply(request, (table) => {
      const counts = this.#merge(table, request);
      return { ...counts, keptErased: this.#revert(table) };
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- errors must become rejections
  async #apply(request: ApplyRequest, change: (table: MemoryTable) => Counts): Promise<ChangeReport> {
    const before = this.#host.table();
    if (request.expectedState !== undefined && before.digests().stateDigest !== request.expectedState) {
      throw new StateChangedError();
    }
    const after = before.copy();
    const counts = change(after);
    const lists = compareTables(before, after);
    const held = isOver(request.limit, lists.removed.count, before.facts().live);
    const applied = request.dryRun !== true && !held;
    if (applied) this.#host.commit(after, request.note);
    return { applied, held, ...lists, ...counts, before: before.digests(), after: after.digests() };
  }

  #merge(table: MemoryTable, { clock, complete }: ApplyRequest): Omit<Counts, 'keptErased'> {
    const localClock = table.clock;
    const staged = new Set(this.#states.map(({ id }) => id));
    const isIn = (versions: readonly CarriedVersion[], by: typeof clock): boolean =>
      versions.some(({ dot }) => covers(by, dot));
    let missingIds = complete
      ? table.ids().filter((id) => !staged.has(id) && isIn(table.siblings(id), clock)).length
      : 0;
    let reusedDots = 0;
    table.clock = joinVersionVectors(localClock, clock);
    for (const { id, siblings: remote } of this.#states) {
      const local = table.siblings(id);
      if (local.length === 0 && isIn(remote, localClock)) missingIds += 1;
      const { siblings, homeless } = mergeMemory({ local, localClock, remote, remoteClock: clock });
      reusedDots += homeless.length;
      const merged = [...siblings, ...homeless.map((version) => ({ ...version, dot: table.nextDot() }))];
      if (nameVersions(merged) !== nameVersions(local)) table.set(id, merged);
    }
    return { reusedDots, missingIds };
  }

  /** After the merge. @returns how many memories stay erased against the snapshot */
  #revert(table: MemoryTable): number {
    const snapshot = new Map(this.#states.map(({ id, siblings }) => [id, siblings]));
    let keptErased = 0;
    for (const id of table.ids()) {
      const siblings = snapshot.get(id) ?? [];
      const wanted = siblings.length === 0 ? null : currentVersion(siblings);
      const present = table.current(id);
      if (wanted?.state === 'live') {
        if (present?.state === 'live' && sameContent(present, wanted)) continue;
        if (table.siblings(id).some(({ state }) => state === 'purged')) keptErased += 1;
        else this.#write(table, id, { state: 'live', content: wanted, from: siblings });
      } else if (present?.state === 'live') {
        const content = { ...present, updatedAt: this.#host.now() };
        this.#write(table, id, { state: 'deleted', content, from: table.siblings(id) });
      }
    }
    return keptErased;
  }

  #write(
    table: MemoryTable,
    id: string,
    {
      state,
      content,
      from,
    }: { state: 'live' | 'deleted'; content: MemoryContent; from: readonly CarriedVersion[] },
  ): void {
    const { text, tags, source, metadata, createdAt, updatedAt } = content;
    const vectors = from.find((version) => version.text === text)?.vectors ?? [];
    const dot = table.nextDot();
    table.set(id, [{ dot, state, text, tags, source, metadata, createdAt, updatedAt, vectors }]);
  }
}

function nameVersions(siblings: readonly CarriedVersion[]): string {
  return canonicalJson(siblings.map(({ dot, state, text }) => canonicalJson([dot, state, text])).sort());
}

/** As users see it: restored versions may have other times. */
function sameText(a: MemoryContent, b: MemoryContent): boolean {
  const name = ({ text, tags, source, metadata }: MemoryContent): string =>
    canonicalJson({ text, tags, source, metadata });
  return name(a) === name(b);
}

function sameContent(a: MemoryContent, b: MemoryContent): boolean {
  const name = ({ text, tags, source, metadata, createdAt, updatedAt }: MemoryContent): string =>
    canonicalJson({ text, tags, source, metadata, createdAt, updatedAt });
  return name(a) === name(b);
}

function compareTables(
  before: MemoryTable,
  after: MemoryTable,
): Pick<ChangeReport, 'added' | 'changed' | 'removed' | 'conflicts'> {
  const added: ChangeExample[] = [];
  const changed: ChangeExample[] = [];
  const removed: ChangeExample[] = [];
  let conflicts = 0;
  for (const id of after.ids()) {
    const old = before.current(id);
    const now = after.current(id);
    if (after.hasConflict(id) && !before.hasConflict(id)) conflicts += 1;
    if (now?.state === 'live') {
      if (old?.state !== 'live') added.push(exampleOf(id, now));
      else if (!sameText(old, now)) changed.push(exampleOf(id, now));
    } else if (old?.state === 'live') removed.push(exampleOf(id, old));
  }
  return { added: listOf(added), changed: listOf(changed), removed: listOf(removed), conflicts };
}

function exampleOf(id: string, { text }: MemoryContent): ChangeExample {
  return { id, text: text.slice(0, 200) };
}

function listOf(examples: readonly ChangeExample[]): ChangeList {
  return { count: examples.length, examples: examples.slice(0, 5) };
}

function isOver(limit: RemovalLimit | undefined, removed: number, live: number): boolean {
  return limit !== undefined && removed > limit.count && removed > limit.share * live;
}
