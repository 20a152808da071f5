import { useState } from 'preact/hooks';
import { call, explain } from '../shared/api.ts';
import { Problem } from '../shared/elements.tsx';
import { useToast } from '../shared/toast.tsx';
import type { Memory, TidyAnswer, TidyGroup } from '../shared/types.ts';
import { linkTo } from '../shared/view-address.ts';
import { dayOf } from '../shared/days.ts';
import { beginning, count } from '../shared/words.ts';

/** The removals when the user also agrees to remove memories that no search found. */
const ALL_KINDS = ['duplicates', 'expired', 'junk', 'unused'];

/** Proposes memories to tidy up, and does it when the user agrees. */
export function TidyUp() {
  const [proposal, setProposal] = useState<TidyAnswer | null>(null);
  const [kinds, setKinds] = useState<readonly string[] | undefined>();
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const toast = useToast();
  const ask = (body: object, onDone: (answer: TidyAnswer) => void): void => {
    setBusy(true);
    setProblem('');
    call<TidyAnswer>('POST', '/memory/tidy', { body })
      .then(onDone, (error: unknown) => {
        setProposal(null);
        setProblem(explain(error));
      })
      .finally(() => {
        setBusy(false);
      });
  };
  const propose = (wanted?: readonly string[]): void => {
    setKinds(wanted);
    ask({ kinds: wanted }, setProposal);
  };
  const apply = (confirm: string): void => {
    ask({ kinds, confirm }, ({ removed, undo = '' }) => {
      setProposal(null);
      const undone = undo === '' ? '' : ` The backup ${undo} from before undoes it.`;
      toast({ text: `${count(removed, 'memory is', 'memories are')} in the trash.${undone}` });
    });
  };
  return (
    <section aria-label="Tidy up">
      <h2>Tidy up</h2>
      <p class="hint">
        Finds facts that say the same, have ended, say nothing, or were never found. Nothing changes before
        you agree, and a backup is made first.
      </p>
      <Problem text={problem} />
      {proposal === null ? null : <Proposal proposal={proposal} />}
      <div class="actions">
        <button
          type="button"
          disabled={busy}
          onClick={() => {
            propose();
          }}
        >
          Look what could go
        </button>
        {proposal === null || proposal.unused.length === 0 || kinds !== undefined ? null : (
          <button
            type="button"
            disabled={busy}
            onClick={() => {
              propose(ALL_KINDS);
            }}
          >
            Also those that were never found
          </button>
        )}
        {proposal?.confirm === undefined || amountOf(proposal) === 0 ? null : (
          <button
            type="button"
            class="primary"
            disabled={busy}
            onClick={() => {
              apply(proposal.confirm ?? '');
            }}
          >
            Move {count(amountOf(proposal), 'memory', 'memories')} to the trash
          </button>
        )}
      </div>
    </section>
  );
}

function amountOf({ counts: { duplicates, expired, junk, unused } }: TidyAnswer): number {
  return duplicates + expired + junk + unused;
}

function Proposal({ proposal }: { readonly proposal: TidyAnswer }) {
  const { duplicates, expired, junk, unused, contradictions, alike, counts, compared } = proposal;
  return (
    <div role="status">
      {amountOf(proposal) === 0 ? <p>There is nothing to tidy up.</p> : null}
      <Groups title={`Say the same as an older fact: ${counts.duplicates}`} groups={duplicates} />
      <Entries title={`Have ended: ${counts.expired}`} memories={expired} />
      <Entries title={`Say nothing: ${counts.junk}`} memories={junk} />
      <Entries title={unusedTitle(proposal)} memories={unused} />
      <Groups title="May contradict each other; these stay" groups={contradictions} />
      <Groups title="Resemble each other; these stay" groups={alike} />
      {compared === false ? <p class="hint">Without a model no facts were compared.</p> : null}
    </div>
  );
}

function unusedTitle({ searched: { since = '', searches, unused }, counts }: TidyAnswer): string {
  const found = `Never found in ${count(searches, 'search', 'searches')} since ${dayOf(since, 0)}: ${unused ?? 0}`;
  return counts.unused === 0 ? `${found}; these stay` : found;
}

type Shown = Pick<Memory, 'id' | 'text'>;

function Entries({ title, memories }: { readonly title: string; readonly memories: readonly Shown[] }) {
  if (memories.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {memories.map((memory) => (
          <li key={memory.id}>
            <Named {...memory} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Groups({ title, groups }: { readonly title: string; readonly groups: readonly TidyGroup[] }) {
  if (groups.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {groups.map(({ keep, others }) => (
          <li key={keep.id}>
            <Named {...keep} />
            <ul>
              {others.map((other) => (
                <li key={other.id}>
                  <Named {...other} />
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </>
  );
}

function Named({ id, text }: Shown) {
  return (
    <a dir="auto" href={linkTo('memory', id)}>
      {beginning(text)}
    </a>
  );
}
