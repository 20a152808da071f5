import type { ComponentChildren } from 'preact';
import { call, explain } from '../shared/api.ts';
import { type About, Facts } from '../shared/elements.tsx';
import { linkTo, linkToConversation } from '../shared/view-address.ts';
import { useToast } from '../shared/toast.tsx';
import { beginning } from '../shared/words.ts';

interface MemoryEntryProps {
  readonly id: string;
  readonly text: string;
  readonly tags: readonly string[] | undefined;
  readonly source: string | undefined;
  readonly created: string;
  readonly updated?: string | undefined;
  readonly about?: About | undefined;
  /** Shown below the text. */
  readonly children?: ComponentChildren;
}

/** A memory in a list. */
export function MemoryEntry({ id, text, children, ...facts }: MemoryEntryProps) {
  const { tags, source, created, updated, about } = facts;
  const remove = useUndoableDelete();
  return (
    <li class="card">
      <a class="text" dir="auto" href={linkTo('memory', id)}>
        {text}
      </a>
      {children}
      <div class="foot">
        <Facts tags={tags} source={source} at={created} changed={updated} about={about} />
        <button
          type="button"
          class="quiet"
          aria-label={`Delete ${beginning(text)}`}
          onClick={(event) => {
            leaveEntry(event.currentTarget);
            remove(id);
          }}
        >
          Delete
        </button>
      </div>
    </li>
  );
}

/** A link from a turn to its conversation; nothing for a fact. @param props.turn a hit, or the metadata of a memory */
export function SaidIn({ turn = {} }: { readonly turn: object | undefined }) {
  const { kind, role, client, session } = turn as Readonly<Record<string, unknown>>;
  if (kind !== 'conversation' || typeof session !== 'string') return null;
  const name = typeof client === 'string' ? client : '';
  return (
    <p class="facts">
      <a class="tag" href={linkToConversation(session, name)}>
        {typeof role === 'string' ? role : 'said'} in a conversation{name === '' ? '' : ' with '}
        <bdi>{name}</bdi>
      </a>
    </p>
  );
}

/** Moves the focus to a neighbour before the element's list entry disappears. Otherwise the focus would be lost. */
export function leaveEntry(element: Element): void {
  const entry = element.closest('li');
  const next = entry?.nextElementSibling ?? entry?.previousElementSibling;
  const target = next?.querySelector<HTMLElement>('a, button') ?? document.getElementById('content');
  target?.focus({ preventScroll: true });
}

/** @returns a function that deletes the memory with an id and offers to undo it */
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
