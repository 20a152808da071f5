import type { BackupResult, RestoreResult } from '../backup/backup-api.ts';
import { beginningOf } from '../memory/snippet.ts';
import type { ChangeList, ChangeReport } from '../store/replica-store.ts';
import type { MachineStatus, PushResult, SyncProblem, SyncStatus } from '../sync/sync-api.ts';
import { relativeTime } from '../util/text.ts';
import { quote, quoteInline } from './quote.ts';
import { DATA_NOTICE, lines } from './render.ts';
import { isoTime, newestSnapshots, type ShownSnapshot, type StatusFacts } from '../api/answers.ts';

const HOW_TO_TURN_ON =
  'To turn it on, the user sets CLOUD_SYNC_ENABLED=true, CLOUD_SYNC_PROVIDER, CLOUD_SYNC_BUCKET and keys in the environment of this server.';

/** @param now milliseconds since the epoch */
export function renderStatus({ status, from, snapshots }: StatusFacts, now: number): string {
  const shown = newestSnapshots(snapshots);
  const where = from === 'local' ? 'local snapshots' : 'snapshots at the remote';
  return lines(
    ...(status.enabled ? renderRemote(status, now) : [`Sync is off. ${HOW_TO_TURN_ON}`]),
    status.conflicts === 0 ? '' : `${status.conflicts} conflicts: memory_list which conflict.`,
    ...status.warnings.map((warning) => `Note: ${warning}`),
    shown.length === 0
      ? `No ${where}.`
      : `${shown.length} of ${snapshots.length} ${where}, newest first; times in UTC:`,
    ...shown.map(renderSnapshot),
  );
}

function renderRemote(status: SyncStatus, now: number): string[] {
  const { location, mode, encrypted, relation, reachable, lastPush, unsentWrites, problem } = status;
  const ago = (time: number): string => relativeTime(time, now);
  const observed =
    reachable === null
      ? 'never reached'
      : `${reachable.value ? 'reached' : 'not reachable'}, observed ${ago(reachable.at)}`;
  return [
    `Sync ${relation}: ${quoteInline(location ?? '')}, mode ${mode}, ${encrypted ? 'encrypted' : 'not encrypted'}; ${observed}.`,
    [
      lastPush === null ? 'Nothing uploaded yet' : `Uploaded ${lastPush.value.snapshot} ${ago(lastPush.at)}`,
      unsentWrites === null ? '' : `, ${unsentWrites} changes not uploaded`,
      '.',
    ].join(''),
    status.emptyStart === 'pending' ? 'Waiting to fill this empty store from the remote.' : '',
    status.heldMerge === null
      ? ''
      : `A merge that would remove ${status.heldMerge.removed} memories waits: sync_restore mode merge.`,
    problem === null ? '' : renderProblem(problem, now),
    ...status.machines.map((machine) => renderMachine(machine, now)),
  ];
}

function renderProblem({ code, message, fix, at }: SyncProblem, now: number): string {
  const remedy = fix === undefined ? '' : ` Fix: ${fix}`;
  return `Problem ${code}, ${relativeTime(at, now)}: ${message}.${remedy}`.replace(/([.?!])\./, '$1');
}

function renderMachine(status: MachineStatus, now: number): string {
  const { machine, own, newest, snapshots, order, rolledBack, problem } = status;
  const included = order === 'before' || order === 'equal';
  return [
    `machine ${machine}${own ? ' (this one)' : ''}: ${snapshots} snapshots`,
    newest === null ? '' : `newest ${newest.name}, ${newest.live} memories`,
    order === null || own ? '' : included ? 'included here' : 'not included here yet',
    rolledBack ? 'shows less than it did before' : '',
    problem === null ? '' : renderProblem(problem, now),
  ]
    .filter((part) => part !== '')
    .join('; ');
}

function renderSnapshot({ usable, createdAt, live, pinned, own, order }: ShownSnapshot): string {
  const included = order === 'before' || order === 'equal';
  return [
    usable,
    isoTime(createdAt).slice(0, 16),
    `${live} memories`,
    pinned ? 'pinned' : '',
    own || included ? '' : 'not included here',
  ]
    .filter((part) => part !== '')
    .join(' ');
}

/** @param push null when sync is off */
export function renderUpload({ outcome, snapshot }: BackupResult, push: PushResult | null): string {
  const made = outcome === 'written' ? 'Backed up' : 'Nothing changed since';
  const local = `${made} ${snapshot.name}: ${snapshot.live} memories.`;
  if (push === null) return `${local} It is in the data folder only, for sync is off. ${HOW_TO_TURN_ON}`;
  const uploaded =
    push.outcome === 'pushed'
      ? `Uploaded and confirmed by the remote: ${push.bytes} bytes.`
      : 'The remote has it already.';
  const skipped = push.skipped.length === 0 ? '' : ` Damaged here and not sent: ${push.skipped.join(', ')}.`;
  return `${local} ${uploaded}${skipped}`;
}

export function renderRestore(result: RestoreResult): string {
  const { mode, changes, confirm, undo, warnings = [] } = result;
  if (changes === null) return 'Nothing to merge: everything is included here.';
  const done = mode === 'replace' ? 'Restored' : 'Merged';
  const wouldBe = mode === 'replace' ? 'Would restore' : 'Would merge';
  const held = changes.held ? 'Held back, because it removes many memories. ' : '';
  return lines(
    `${held}${changes.applied ? done : wouldBe} ${namesOf(result)}: ${summaryOf(changes)}`,
    ...warnings.map((warning) => `Note: ${warning}`),
    undo === undefined ? '' : `Undo: sync_restore snapshot ${undo.name}, mode replace, from local.`,
    confirm === undefined ? '' : `To do it, call again with the same arguments and confirm ${confirm}`,
    changes.applied ? '' : renderExamples(changes),
  );
}

/** What the user is asked before memories are replaced or many are removed. */
export function restoreQuestion(result: RestoreResult, changes: ChangeReport): string {
  const what = result.mode === 'replace' ? 'Replace all memories by the snapshot' : 'Merge';
  return lines(`${what} ${namesOf(result)}? ${summaryOf(changes)}`, renderExamples(changes));
}

function namesOf({ snapshots }: RestoreResult): string {
  return snapshots.map(({ name }) => name).join(', ');
}

function summaryOf({ added, changed, removed, conflicts, keptErased }: ChangeReport): string {
  const parts = [
    `${added.count} added`,
    `${changed.count} changed`,
    `${removed.count} removed (to the trash)`,
    conflicts === 0 ? '' : `${conflicts} new conflicts`,
    keptErased === 0 ? '' : `${keptErased} stay erased`,
  ];
  return `${parts.filter((part) => part !== '').join(', ')}.`;
}

function renderExamples({ added, changed, removed }: ChangeReport): string {
  const examples = [
    ...examplesOf('removed', removed),
    ...examplesOf('changed', changed),
    ...examplesOf('added', added),
  ];
  return lines(examples.length === 0 ? '' : DATA_NOTICE, ...examples);
}

/** A few of each kind say what it is about. */
const EXAMPLES = 3;
const EXAMPLE_LENGTH = 120;

function examplesOf(kind: string, { examples }: ChangeList): string[] {
  return examples.slice(0, EXAMPLES).map(({ id, text }) => {
    return `${kind} ${id}\n${quote(beginningOf(text, EXAMPLE_LENGTH))}`;
  });
}
