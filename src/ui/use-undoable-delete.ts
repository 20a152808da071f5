import { call } from './api.ts';
import { explain } from './api-error.ts';
import { useToast } from './components/toast.tsx';

/** Deletes a memory and offers to undo it. @returns what to call; `after` runs when something has changed */
export function useUndoableDelete(): (id: string, after: () => void) => void {
  const toast = useToast();
  const report = (error: unknown): void => {
    toast({ text: explain(error) });
  };
  const undo = (id: string, after: () => void): void => {
    call('POST', `/memory/${id}/restore`).then(() => {
      toast({ text: 'The memory is back.' });
      after();
    }, report);
  };
  return (id, after) => {
    call('DELETE', `/memory/${id}`).then(() => {
      const run = (): void => {
        undo(id, after);
      };
      toast({ text: 'The memory is in the trash.', action: { title: 'Undo', run } });
      after();
    }, report);
  };
}
