import { call, followWork } from '../shared/api.ts';
import { Modal, Problem } from '../shared/elements.tsx';
import { useLoad, useStats } from '../shared/load.ts';
import type { RestoreAnswer } from '../shared/types.ts';
import { count } from '../shared/words.ts';
import { useWork, WorkInProgress } from '../shared/work.tsx';

/** What is to be restored. */
export interface RestoreChoice {
  /** For people: which snapshot this is. */
  readonly title: string;
  /** Where the restore is asked for, and what names the snapshot there. */
  readonly path: string;
  readonly body: object;
}

interface RestoreDialogProps {
  readonly choice: RestoreChoice;
  readonly onClose: () => void;
  readonly onDone: (answer: RestoreAnswer) => void;
}

/** Shows what a restore would change, and does exactly that when the user agrees. */
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
      {loading ? <p class="hint">Comparing with the memories here…</p> : null}
      {value === undefined ? null : <ChangeCounts plan={value} added="come back" />}
      {conflicts === 0 ? null : (
        <p class="warning">
          {count(conflicts, 'conflict')} that nobody has decided will be decided by this; the other versions
          stay in the history.
        </p>
      )}
      {isSame ? <p>The memories here are the same as in this snapshot.</p> : null}
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
  /** Gets the snapshot that was made before. */
  readonly onUndo: (choice: RestoreChoice) => void;
  readonly onClose: () => void;
}

/** Says that a restore is done, and how to undo it. */
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
  /** What the merge would change. */
  readonly plan: RestoreAnswer;
  readonly onClose: () => void;
  readonly onMerge: () => void;
}

/** Asks before a merge that would remove many memories. */
export function MergeDialog({ plan, onClose, onMerge }: MergeDialogProps) {
  return (
    <Modal title="Merge although many memories would go?" onClose={onClose}>
      <p>
        Other machines deleted many memories that are still here. Keep them, or let them go to the trash too?
      </p>
      <ChangeCounts plan={plan} added="are new" />
      <div class="actions">
        <button type="button" class="danger" onClick={onMerge}>
          Merge all the same
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
  /** What happens to those that are not here now. */
  readonly added: 'come back' | 'are new';
}

/** What a restore or a merge would do, in numbers. */
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
      <p class="hint">A snapshot of the memories as they are now is made before, so this can be undone.</p>
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
