import { call, followWork } from '../api.ts';
import type { RestoreAnswer } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { useStats } from '../use-stats.ts';
import { count } from '../words.ts';
import { ChangeCounts } from './change-counts.tsx';
import { Modal } from './modal.tsx';
import { Problem } from './notice.tsx';
import { useWork } from './work-provider.tsx';
import { WorkInProgress } from './work-progress.tsx';

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
