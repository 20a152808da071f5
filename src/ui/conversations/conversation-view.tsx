import { useState } from 'preact/hooks';
import { call, explain, reportChange, send } from '../shared/api.ts';
import { Modal, More, Problem, Time } from '../shared/elements.tsx';
import { useLoad } from '../shared/load.ts';
import { usePages, useReturn } from '../shared/pages.ts';
import { saveAnswer } from '../shared/save-answer.ts';
import { useMayWrite } from '../shared/team.tsx';
import { useToast } from '../shared/toast.tsx';
import type { ConversationSummary, DeletePlan, Memory } from '../shared/types.ts';
import { linkTo } from '../shared/view-address.ts';
import { beginning, count } from '../shared/words.ts';
import { ConversationFacts } from './conversations-view.tsx';

interface ConversationViewProps {
  readonly session: string;
  /** In the form of a URL query; `client` is in it where the client is known. */
  readonly parameters: string;
}

/** One conversation as a whole: its turns in their order, and the actions on it. */
export function ConversationView({ session, parameters }: ConversationViewProps) {
  const client = new URLSearchParams(parameters).get('client');
  const name = new URLSearchParams(client === null ? {} : { client });
  const path = `/conversations/${encodeURIComponent(session)}`;
  const { value, problem, reload } = useLoad(`${path}?${name.toString()}`, (signal) =>
    call<ConversationSummary>('GET', `${path}?limit=1&${name.toString()}`, { signal }),
  );
  return (
    <>
      <p>
        <a href={linkTo('conversations')}>All conversations</a>
      </p>
      <h1 dir="auto">{value === undefined ? 'Conversation' : beginning(value.beginning ?? session)}</h1>
      <Problem text={problem} onRetry={reload} />
      {value === undefined ? null : (
        <>
          <ConversationFacts of={value} />
          <Actions of={value} path={path} name={name} />
          <Turns of={value} />
        </>
      )}
    </>
  );
}

interface ActionsProps {
  readonly of: ConversationSummary;
  /** Of the API. */
  readonly path: string;
  readonly name: URLSearchParams;
}

function Actions({ of, path, name }: ActionsProps) {
  const [plan, setPlan] = useState<DeletePlan | null>(null);
  const toast = useToast();
  const mayWrite = useMayWrite();
  const report = (error: unknown): void => {
    toast({ text: explain(error) });
  };
  const ask = (): void => {
    call<DeletePlan>('DELETE', `${path}?${name.toString()}`, { readsOnly: true }).then(setPlan, report);
  };
  const remove = ({ confirm = '' }: DeletePlan): void => {
    setPlan(null);
    const confirmed = new URLSearchParams([...name, ['confirm', confirm]]);
    send(`${path}?${confirmed.toString()}`, { method: 'DELETE' })
      .then(async (response) => {
        const done = (await response.json()) as DeletePlan;
        leaveThenReport(linkTo('conversations'));
        toast({ text: `${count(done.count, 'turn')} moved to the trash.` });
      })
      .catch(report);
  };
  return (
    <div class="actions">
      <button
        type="button"
        onClick={() => {
          saveAnswer(`${path}/export?${name.toString()}`, 'conversation.md').catch(report);
        }}
      >
        Export
      </button>
      {mayWrite ? (
        <button type="button" onClick={ask}>
          Delete
        </button>
      ) : null}
      {plan === null ? null : (
        <Modal
          title="Delete this conversation?"
          onClose={() => {
            setPlan(null);
          }}
        >
          <blockquote dir="auto">{of.beginning ?? of.session}</blockquote>
          <p>{count(plan.count, 'turn')} move to the trash, and later captures do not bring them back.</p>
          <div class="actions">
            <button
              type="button"
              class="danger"
              onClick={() => {
                remove(plan);
              }}
            >
              Delete
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
    </div>
  );
}

/** The view of a conversation that is gone would load it again, so a change is announced when the page has left it. */
function leaveThenReport(address: string): void {
  if (location.hash === address) {
    reportChange();
    return;
  }
  window.addEventListener('hashchange', reportChange, { once: true });
  location.hash = address;
}

function Turns({ of: { session, client = '' } }: { readonly of: ConversationSummary }) {
  const query = new URLSearchParams({ session, ...(client === '' ? {} : { client }) });
  const { memories, loading, problem, reload, more } = usePages(query.toString());
  useReturn(memories.length > 0);
  return (
    <section aria-label="Turns" aria-busy={loading}>
      <ol class="entries">
        {memories.map((memory) => (
          <Turn key={memory.id} memory={memory} />
        ))}
      </ol>
      <Problem text={problem} onRetry={reload} />
      {more === undefined ? null : <More disabled={loading} onMore={more} />}
    </section>
  );
}

function Turn({ memory: { id, text, metadata, created } }: { readonly memory: Memory }) {
  const role = metadata?.['role'];
  return (
    <li class={role === 'user' ? 'card turn user' : 'card turn'}>
      <p class="facts">
        <strong>{typeof role === 'string' ? role : 'unknown'}</strong>
        <Time at={created} />
        <a href={linkTo('memory', id)}>this turn</a>
      </p>
      <p class="text whole" dir="auto">
        {text}
      </p>
    </li>
  );
}
