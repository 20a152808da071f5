import { useState } from 'preact/hooks';
import { call } from '../shared/api.ts';
import { Empty, More, Problem, Time } from '../shared/elements.tsx';
import { useLoad } from '../shared/load.ts';
import { useReturn } from '../shared/pages.ts';
import type { ConversationList, ConversationSummary } from '../shared/types.ts';
import { linkToConversation } from '../shared/view-address.ts';
import { count } from '../shared/words.ts';

/** Numbers of conversations: at first, and after each click on More. */
const STEPS = [50, 200, 1_000];

/** The conversations that were kept, those with the newest turn first. */
export function ConversationsView() {
  const [limit = 0, setLimit] = useState(STEPS[0]);
  const { value, problem, loading, reload } = useLoad(String(limit), (signal) =>
    call<ConversationList>('GET', `/conversations?limit=${limit}`, { signal }),
  );
  useReturn(value !== undefined);
  const more = STEPS.find((step) => step > limit);
  const shown = value?.conversations.length ?? 0;
  return (
    <>
      <h1>Conversations</h1>
      <p class="hint">
        What was said to assistants, word for word, apart from the facts. Connect an assistant with its
        plugin, or run <code>faiss-memory backfill</code>.
      </p>
      <Problem text={problem} onRetry={reload} />
      <p class="hint" role="status">
        {value === undefined
          ? loading
            ? 'Loading…'
            : ''
          : value.total === 0
            ? ''
            : count(value.total, 'conversation')}
      </p>
      {value?.total === 0 ? <Empty>No conversation is kept yet.</Empty> : null}
      <ul class="entries" aria-busy={loading}>
        {value?.conversations.map((conversation) => (
          <Entry key={`${conversation.client ?? ''} ${conversation.session}`} of={conversation} />
        ))}
      </ul>
      {more === undefined || value === undefined || shown === value.total ? null : (
        <More
          disabled={loading}
          onMore={() => {
            setLimit(more);
          }}
        />
      )}
      {more === undefined && value !== undefined && shown < value.total ? (
        <p class="hint">
          These are the newest {shown.toLocaleString()}; <code>faiss-memory conversations list</code> shows
          the others.
        </p>
      ) : null}
    </>
  );
}

function Entry({ of }: { readonly of: ConversationSummary }) {
  return (
    <li class="card">
      <a class="text" dir="auto" href={linkToConversation(of.session, of.client)}>
        {of.beginning ?? of.session}
      </a>
      <ConversationFacts of={of} />
    </li>
  );
}

/** Time, size, client and project of a conversation. */
export function ConversationFacts({ of }: { readonly of: ConversationSummary }) {
  const { last, turns, client, project } = of;
  return (
    <p class="facts">
      <Time at={last} />
      <span>{count(turns, 'turn')}</span>
      {client === undefined ? null : (
        <span>
          with <bdi>{client}</bdi>
        </span>
      )}
      {project === undefined ? null : (
        <span class="tag">
          <bdi>{project}</bdi>
        </span>
      )}
    </p>
  );
}
