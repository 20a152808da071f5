import type { RestoreAnswer } from '../types.ts';
import type { RestoreChoice } from './restore-dialog.tsx';

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
