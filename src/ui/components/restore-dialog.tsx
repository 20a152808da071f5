import { call } from '../api.ts';
import type { RestoreAnswer, Snapshot } from '../types.ts';
import { useLoad } from '../use-load.ts';
import { count, exactTime } from '../words.ts';
import { Modal } from './modal.tsx';
import { Problem } from './notice.tsx';
import { useWork } from './use-work.ts';
import { WorkInProgress } from './work-progress.tsx';

interface RestoreDialogProps {
  readonly snapshot: Snapshot;
  /** Where the restore is asked for, and what names the snapshot there. */
  readonly path: string;
  readonly body: object;
  readonly onClose: () => void;
  /** Gets what to tell the user. */
  readonly onDone: (text: string) => void;
}

/** Shows what a restore would change, and does exactly that when the user agrees. */
export function RestoreDialog({ snapshot, path, body, onClose, onDone }: RestoreDialogProps) {
  const plan = useLoad(`${path} ${snapshot.name}`, (signal) =>
    call<RestoreAnswer>('POST', path, { body: { ...body, dry_run: true }, signal }),
  );
  const running = useWork<RestoreAnswer>();
  const restore = (): void => {
    running.start(path, { ...body, confirm: plan.value?.confirm ?? 'true' }, ({ undo }) => {
      const how = undo === undefined ? '' : ` To undo it, restore ${undo}.`;
      onDone(`Restored.${how}`);
    });
  };
  const { value } = plan;
  const nothing = value !== undefined && value.added + value.changed + value.removed === 0;
  return (
    <Modal title="Restore this snapshot?" onClose={onClose}>
      <p>
        {snapshot.name}, made {exactTime(snapshot.created)} with{' '}
        {count(snapshot.memories, 'memory', 'memories')}
      </p>
      <Problem text={plan.problem} />
      {value === undefined ? (
        <p class="hint">{plan.loading ? 'Comparing with the memories here…' : ''}</p>
      ) : (
        <Plan plan={value} />
      )}
      {nothing ? <p>The memories here are the same as in this snapshot.</p> : null}
      <WorkInProgress work={running} />
      <div class="actions">
        <button
          type="button"
          class="primary"
          disabled={value === undefined || nothing || running.progress !== null}
          onClick={restore}
        >
          Restore
        </button>
        <button type="button" onClick={onClose}>
          Cancel
        </button>
      </div>
    </Modal>
  );
}

function Plan({ plan: { added, changed, removed, warnings = [] } }: { readonly plan: RestoreAnswer }) {
  return (
    <>
      <dl class="counts">
        <div>
          <dt>come back</dt>
          <dd>{added.toLocaleString()}</dd>
        </div>
        <div>
          <dt>change</dt>
          <dd>{changed.toLocaleString()}</dd>
        </div>
        <div>
          <dt>go to the trash</dt>
          <dd>{removed.toLocaleString()}</dd>
        </div>
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
