import { followWork } from '../api.ts';
import { useToast } from './toast.tsx';
import { useWork } from './work-provider.tsx';

interface SyncActionsProps {
  /** There is a remote. */
  readonly enabled: boolean;
  readonly onMerge: () => void;
}

/** What one can do for the backups now. */
export function SyncActions({ enabled, onMerge }: SyncActionsProps) {
  const { progress, start } = useWork();
  const toast = useToast();
  const backUp = (): void => {
    start<{ readonly uploaded: boolean }>({
      title: 'The backup',
      perform: (options) => followWork('/sync/upload', {}, options),
      onDone: ({ uploaded }) => {
        toast({ text: uploaded ? 'Backed up and uploaded.' : 'Backed up on this machine.' });
      },
    });
  };
  const isBusy = progress !== null;
  return (
    <div class="actions">
      <button type="button" class="primary" disabled={isBusy} onClick={backUp}>
        {enabled ? 'Back up now and upload' : 'Back up now'}
      </button>
      {enabled ? (
        <button
          type="button"
          disabled={isBusy}
          onClick={() => {
            onMerge();
          }}
        >
          Merge from other machines
        </button>
      ) : null}
    </div>
  );
}
