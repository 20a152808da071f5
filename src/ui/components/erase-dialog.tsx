import type { Memory } from '../types.ts';
import { Modal } from './modal.tsx';

interface EraseDialogProps {
  readonly memory: Memory;
  readonly onClose: () => void;
  readonly onErase: () => void;
}

/** Asks before what cannot be undone. */
export function EraseDialog({ memory, onClose, onErase }: EraseDialogProps) {
  return (
    <Modal title="Erase this memory for good?" onClose={onClose}>
      <blockquote dir="auto">{memory.text}</blockquote>
      <p>
        Its text and its history are removed from this machine, and cannot be brought back from the trash.
      </p>
      <div class="actions">
        <button type="button" class="danger" onClick={onErase}>
          Erase
        </button>
        <button type="button" autofocus onClick={onClose}>
          Cancel
        </button>
      </div>
    </Modal>
  );
}
