import type { CarriedVersion, MemoryState } from '../../src/backup/ports.ts';
import { StateChangedError } from '../../src/errors/input-errors.ts';
import { REMOVALS_NOTE, spendRemovals } from '../../src/memory/removal-budget.ts';
import {
  canonicalJson,
  covers,
  currentVersion,
  joinVersionVectors,
  type JsonValue,
  type MemoryContent,
  mergeMemory,
} from '../../src/memory/version.ts';
import type {
  ApplyRequest,
  ChangeExample,
  ChangeList,
  ChangeReport,
  StagedStates,
} from '../../src/store/replica-store.ts';
import type { MemoryTable } from './memory-table.ts';

export interface Note {
  readonly name: string;
  readonly value: JsonValue | null;
}

/** What staged states need of the replica that they were collected for. */
export interface StagingHost {
  readonly table: () => MemoryTable;
  readonly now: () => number;
  readonly commit: (table: MemoryTable, notes: readonly Note[]) => void;
  readonly readNote: (name: string) => JsonValue | null;
}

type Counts = Pick<ChangeReport, 'reusedDots' | 'missingIds' | 'keptErased' | 'broughtBack'>;

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
    return this.#apply(request, (table) => ({
      ...this.#merge(table, request),
      keptErased: 0,
      broughtBack: 0,
    }));
  }

  restore(request: ApplyRequest): Promise<ChangeReport> {
    if (!request.complete) return Promise.reject(new RangeError('only a complete snapshot can be restored'));
    return this.#apply(request, (table) => {
      const counts = this.#merge(table, request);
      return { ...counts, ...this.#revert(table, request.bringBack === true) };
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
    const { limit, confirmed = false, note } = request;
    const planned = { now: this.#host.now(), count: lists.removed.count, live: before.facts().live };
    const spent =
      limit === undefined ? null : spendRemovals(this.#host.readNote(REMOVALS_NOTE), { ...planned, limit });
    const held = spent?.held === true && !confirmed;
    const applied = request.dryRun !== true && !held;
    const isNoted = spent !== null && (spent.held || !confirmed);
    const removals = isNoted ? [{ name: REMOVALS_NOTE, value: spent.held ? null : spent.note }] : [];
    if (applied) this.#host.commit(after, [...(note === undefined ? [] : [note]), ...removals]);
    const shown = applied ? withoutIds(lists) : lists;
    const digests = { before: before.digests(), after: after.digests() };
    return { applied, held, removedLately: spent?.lately ?? 0, ...shown, ...counts, ...digests };
  }

  #merge(table: MemoryTable, { clock, complete }: ApplyRequest): Omit<Counts, 'keptErased' | 'broughtBack'> {
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

  /** After the merge. @returns how many memories stay erased against the snapshot, and how many do not */
  #revert(table: MemoryTable, bringBack: boolean): Pick<Counts, 'keptErased' | 'broughtBack'> {
    const snapshot = new Map(this.#states.map(({ id, siblings }) => [id, siblings]));
    let keptErased = 0;
    let broughtBack = 0;
    for (const id of table.ids()) {
      const siblings = snapshot.get(id) ?? [];
      const wanted = siblings.length === 0 ? null : currentVersion(siblings);
      const present = table.current(id);
      if (wanted?.state === 'live') {
        if (present?.state === 'live' && sameContent(present, wanted)) continue;
        const purges = table.siblings(id).filter(({ state }) => state === 'purged');
        const ofOthers = purges.every(({ dot }) => dot.machine !== table.machine);
        if (purges.length > 0 && !(bringBack && ofOthers)) {
          keptErased += 1;
          continue;
        }
        broughtBack += purges.length > 0 ? 1 : 0;
        this.#write(table, id, { state: 'live', content: wanted, from: siblings });
      } else if (present?.state === 'live') {
        const content = { ...present, updatedAt: this.#host.now() };
        this.#write(table, id, { state: 'deleted', content, from: table.siblings(id) });
      }
    }
    return { keptErased, broughtBack };
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
  return { count: examples.length, examples: examples.slice(0, 5), ids: examples.map(({ id }) => id) };
}

type Lists = ReturnType<typeof compareTables>;

function withoutIds({ added, changed, removed, conflicts }: Lists): Lists {
  const short = ({ count, examples }: ChangeList): ChangeList => ({ count, examples });
  return { added: short(added), changed: short(changed), removed: short(removed), conflicts };
}
