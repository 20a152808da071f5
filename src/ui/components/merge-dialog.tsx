import type { RestoreAnswer } from '../types.ts';
import { ChangeCounts } from './change-counts.tsx';
import { Modal } from './modal.tsx';

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
