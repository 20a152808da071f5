import { call, followWork } from '../shared/api.ts';
import { Modal, Problem } from '../shared/elements.tsx';
import { useLoad, useStats } from '../shared/load.ts';
import type { RestoreAnswer } from '../shared/types.ts';
import { count } from '../shared/words.ts';
import { useWork, WorkInProgress } from '../shared/work.tsx';

/** The snapshot to restore. */
export interface RestoreChoice {
  /** Description of the snapshot for the user. */
  readonly title: string;
  /** Path of the request in the API. */
  readonly path: string;
  /** Body of the request, which names the snapshot where the path does not. */
  readonly body: object;
}

interface RestoreDialogProps {
  readonly choice: RestoreChoice;
  readonly onClose: () => void;
  readonly onDone: (answer: RestoreAnswer) => void;
}

/** Shows the changes that a restore would make, and makes exactly these after the user's confirmation. */
export function RestoreDialog({ choice: { title, path, body }, onClose, onDone }: RestoreDialogProps) {
  const { value, problem, loading, reload } = useLoad(`${path} ${JSON.stringify(body)}`, (signal) =>
    call<RestoreAnswer>('POST', path, { body: { ...body, dry_run: true }, signal, readsOnly: true }),
  );
  const work = useWork();
  const conflicts = useStats()?.conflicts ?? 0;
  const restore = (): void => {
    const confirmed = { ...body, confirm: value?.confirm };
    work.start({
      title: 'The restore',
      perform: (options) => followWork<RestoreAnswer>(path, confirmed, options),
      onDone,
    });
  };
  const again = (): void => {
    work.cancel();
    reload();
  };
  const isSame = value !== undefined && value.added + value.changed + value.removed === 0;
  const isBusy = loading || work.progress !== null;
  return (
    <Modal title="Restore this snapshot?" onClose={onClose}>
      <p>{title}</p>
      <Problem text={problem} />
      {loading ? <p class="hint">Comparing with the memories on this machine…</p> : null}
      {value === undefined ? null : <ChangeCounts plan={value} added="come back" />}
      {conflicts === 0 ? null : (
        <p class="warning">
          The restore also decides {count(conflicts, 'open conflict')}. The other versions stay in the
          history.
        </p>
      )}
      {isSame ? <p>The memories on this machine are the same as in this snapshot.</p> : null}
      <WorkInProgress />
      <div class="actions">
        {work.problem === '' ? (
          <button
            type="button"
            class="primary"
            disabled={value?.confirm === undefined || isSame || isBusy}
            onClick={restore}
          >
            Restore
          </button>
        ) : (
          <button type="button" class="primary" onClick={again}>
            Compare again
          </button>
        )}
        <button type="button" onClick={onClose}>
          {work.progress === null ? 'Cancel' : 'Close'}
        </button>
      </div>
    </Modal>
  );
}

interface RestoredNoticeProps {
  readonly answer: RestoreAnswer;
  /** Called with the snapshot that was made before the restore. */
  readonly onUndo: (choice: RestoreChoice) => void;
  readonly onClose: () => void;
}

/** Says that a restore is finished, and how to undo it. */
export function RestoredNotice({ answer: { undo }, onUndo, onClose }: RestoredNoticeProps) {
  return (
    <div class="card done" role="status">
      {undo === undefined ? (
        <p>Restored.</p>
      ) : (
        <>
          <p>Restored. To undo it, restore {undo}.</p>
          <button
            type="button"
            onClick={() => {
              const title = `${undo}, made just before the restore`;
              onUndo({ title, path: '/restore', body: { snapshot: undo } });
            }}
          >
            Undo the restore…
          </button>
        </>
      )}
      <button type="button" class="quiet" aria-label="Close message" onClick={onClose}>
        ✕
      </button>
    </div>
  );
}

interface MergeDialogProps {
  /** The changes that the merge would make. */
  readonly plan: RestoreAnswer;
  readonly onClose: () => void;
  readonly onMerge: () => void;
}

/** Asks before a merge that would remove many memories. */
export function MergeDialog({ plan, onClose, onMerge }: MergeDialogProps) {
  const { removed_lately: lately = 0 } = plan;
  return (
    <Modal title="Merge and remove many memories?" onClose={onClose}>
      <p>
        Other machines deleted or erased many memories that still exist on this machine. Do you want to remove
        them here too?
      </p>
      {lately === 0 ? null : (
        <p>
          In the last 24 hours, merges have already removed {count(lately, 'memory', 'memories')} here without
          asking.
        </p>
      )}
      <ChangeCounts plan={plan} added="are new" />
      <div class="actions">
        <button type="button" class="danger" onClick={onMerge}>
          Merge anyway
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Modal>
  );
}

interface ChangeCountsProps {
  readonly plan: RestoreAnswer;
  /** Title of the number of memories that do not exist at present. */
  readonly added: 'come back' | 'are new';
}

/** The number of memories that a restore or a merge would add, change and remove. */
function ChangeCounts({ plan, added }: ChangeCountsProps) {
  const { changed, removed, warnings = [] } = plan;
  return (
    <>
      <dl class="counts">
        <Count title={added} number={plan.added} />
        <Count title="change" number={changed} />
        <Count title="go to the trash" number={removed} />
      </dl>
      {warnings.map((warning) => (
        <p class="warning" key={warning}>
          {warning}
        </p>
      ))}
      <p class="hint">A snapshot of the present memories is made first, so you can undo this.</p>
    </>
  );
}

function Count({ title, number }: { readonly title: string; readonly number: number }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{number.toLocaleString()}</dd>
    </div>
  );
}
