import { useState } from 'preact/hooks';
import { ApiError, call, explain } from '../shared/api.ts';
import { reportRights } from '../shared/credential.ts';
import { Modal, Problem } from '../shared/elements.tsx';
import type { Space } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import { linkTo } from '../shared/view-address.ts';
import { count } from '../shared/words.ts';
import { titleOf } from './team-bar.tsx';

/** The content that would be removed. */
interface Plan {
  readonly memories: number;
  readonly kept_days: number;
  readonly confirm: string;
}

/** Asks the server for the content that would be removed, and removes it when the user agrees to that. */
export function RemoveSpace({ space }: { readonly space: Space }) {
  const [plan, setPlan] = useState<Plan | null>(null);
  const [problem, setProblem] = useState('');
  const toast = useToast();
  const options = { space: space.id, readsOnly: true };
  const report = (error: unknown): void => {
    setPlan(null);
    setProblem(explain(error));
  };
  const ask = (): void => {
    setProblem('');
    call('DELETE', '', options).catch((error: unknown) => {
      const found = planOf(error);
      if (found === undefined) report(error);
      else setPlan(found);
    });
  };
  const remove = (confirm: string): void => {
    call('DELETE', `?${new URLSearchParams({ confirm }).toString()}`, options).then(() => {
      toast({ text: `The space ${space.id} is removed.` });
      location.hash = linkTo('memories', undefined, '');
      reportRights();
    }, report);
  };
  return (
    <section class="card" aria-label="Removal">
      <h2>Remove this space</h2>
      <p class="hint">
        Its memories go with it. The administrator of the server can bring it back for a while.
      </p>
      <Problem text={problem} />
      <div class="actions">
        <button type="button" class="danger" onClick={ask}>
          Remove…
        </button>
      </div>
      {plan === null ? null : (
        <Modal
          title="Remove this space?"
          onClose={() => {
            setPlan(null);
          }}
        >
          <p>
            <bdi>{titleOf(space)}</bdi> with {count(plan.memories, 'memory', 'memories')} moves to the trash
            of the server, is kept there for {count(plan.kept_days, 'day')}, and all members lose it at once.
          </p>
          <div class="actions">
            <button
              type="button"
              class="danger"
              onClick={() => {
                remove(plan.confirm);
              }}
            >
              Remove the space
            </button>
            <button
              type="button"
              autofocus
              onClick={() => {
                setPlan(null);
              }}
            >
              Cancel
            </button>
          </div>
        </Modal>
      )}
    </section>
  );
}

function planOf(error: unknown): Plan | undefined {
  if (!(error instanceof ApiError) || error.problem.code !== 'CONFIRMATION_NEEDED') return undefined;
  // The same field has the plan of a restore elsewhere.
  return error.problem.dry_run as unknown as Plan | undefined;
}
