import { call } from './api.ts';
import { explain } from './api-error.ts';
import { useToast } from './components/toast.tsx';

/** Deletes a memory and offers to undo it. @returns what to call with its id */
export function useUndoableDelete(): (id: string) => void {
  const toast = useToast();
  const report = (error: unknown): void => {
    toast({ text: explain(error) });
  };
  const undo = (id: string): void => {
    call('POST', `/memory/${encodeURIComponent(id)}/restore`).then(() => {
      toast({ text: 'The memory is back.' });
    }, report);
  };
  return (id) => {
    call('DELETE', `/memory/${encodeURIComponent(id)}`).then(() => {
      const run = (): void => {
        undo(id);
      };
      toast({ text: 'The memory is in the trash.', action: { title: 'Undo', run } });
    }, report);
  };
}
