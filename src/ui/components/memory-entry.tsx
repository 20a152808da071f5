import type { ComponentChildren } from 'preact';
import { leaveEntry } from '../leave-entry.ts';
import { linkTo } from '../use-place.ts';
import { useUndoableDelete } from '../use-undoable-delete.ts';
import { beginning } from '../words.ts';
import { Facts } from './facts.tsx';

interface MemoryEntryProps {
  readonly id: string;
  readonly text: string;
  readonly tags: readonly string[] | undefined;
  readonly source: string | undefined;
  readonly created: string;
  readonly updated?: string | undefined;
  /** What else there is to say about it. */
  readonly children?: ComponentChildren;
}

/** A memory in a list. */
export function MemoryEntry({ id, text, tags, source, created, updated, children }: MemoryEntryProps) {
  const remove = useUndoableDelete();
  return (
    <li class="card">
      <a class="text" dir="auto" href={linkTo('memory', id)}>
        {text}
      </a>
      {children}
      <div class="foot">
        <Facts tags={tags} source={source} at={created} changed={updated} />
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
