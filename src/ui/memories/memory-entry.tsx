import type { ComponentChildren } from 'preact';
import { call, explain } from '../shared/api.ts';
import { type About, Facts } from '../shared/elements.tsx';
import { useMayWrite } from '../shared/team.tsx';
import { linkTo, linkToConversation, spaceHere } from '../shared/view-address.ts';
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
  /** Default: the space that the page shows. */
  readonly space?: string | undefined;
  /** Shown below the text. */
  readonly children?: ComponentChildren;
}

/** A memory in a list. */
export function MemoryEntry({ id, text, space = spaceHere(), children, ...facts }: MemoryEntryProps) {
  const { tags, source, created, updated, about } = facts;
  const remove = useUndoableDelete();
  const mayWrite = useMayWrite(space);
  return (
    <li class="card">
      <a class="text" dir="auto" href={linkTo('memory', id, space)}>
        {text}
      </a>
      {children}
      <div class="foot">
        <Facts tags={tags} source={source} at={created} changed={updated} about={about} />
        {mayWrite ? (
          <button
            type="button"
            class="quiet"
            aria-label={`Delete ${beginning(text)}`}
            onClick={(event) => {
              leaveEntry(event.currentTarget);
              remove(id, space);
            }}
          >
            Delete
          </button>
        ) : null}
      </div>
    </li>
  );
}

interface SaidInProps {
  /** A hit, or the metadata of a memory. */
  readonly turn: object | undefined;
  /** Default: the space that the page shows. */
  readonly space?: string | undefined;
}

/** A link from a turn to its conversation; nothing for a fact. */
export function SaidIn({ turn = {}, space }: SaidInProps) {
  const { kind, role, client, session } = turn as Readonly<Record<string, unknown>>;
  if (kind !== 'conversation' || typeof session !== 'string') return null;
  const name = typeof client === 'string' ? client : '';
  return (
    <p class="facts">
      <a class="tag" href={linkToConversation(session, name, space)}>
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

/** @returns a function that deletes the memory with an id in a space and offers to undo it, also in another view */
export function useUndoableDelete(): (id: string, space: string) => void {
  const toast = useToast();
  const report = (error: unknown): void => {
    toast({ text: explain(error) });
  };
  const undo = (id: string, space: string): void => {
    call('POST', `/memory/${encodeURIComponent(id)}/restore`, { space }).then(() => {
      toast({ text: 'The memory is back.' });
    }, report);
  };
  return (id, space) => {
    call('DELETE', `/memory/${encodeURIComponent(id)}`, { space }).then(() => {
      const run = (): void => {
        undo(id, space);
      };
      toast({ text: 'The memory is in the trash.', action: { title: 'Undo', run } });
    }, report);
  };
}
