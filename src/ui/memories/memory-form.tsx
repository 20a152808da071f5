import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { explain } from '../shared/api.ts';
import { draftKey } from '../shared/credential.ts';
import { Day, Problem } from '../shared/elements.tsx';
import type { MemoryFields, Shown } from '../shared/memory-changes.ts';
import { statedIn } from '../shared/stated.ts';
import { spaceHere } from '../shared/view-address.ts';
import { parseTags } from '../shared/words.ts';

interface MemoryFormProps {
  /** Name of the draft. Unsaved input under the same name is shown again. */
  readonly name: string;
  readonly initial?: Shown;
  readonly onSave: (fields: MemoryFields) => Promise<void>;
  readonly onCancel: () => void;
}

/** Writes a new memory, or changes one. */
export function MemoryForm({ name, initial = {}, onSave, onCancel }: MemoryFormProps) {
  const { text = '', tags = [], source = '' } = initial;
  const { pinned, ...stated } = statedIn(initial.metadata);
  const { draft, change, forget } = useDraft(name, {
    ...{ text, tags: tags.join(', '), source, ...stated },
    pinned: pinned ? 'yes' : '',
  });
  const [problem, setProblem] = useState('');
  const [saving, setSaving] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  // A layout effect sets the focus before the next key event, so that no typed character is lost.
  useLayoutEffect(() => field.current?.focus(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    setSaving(true);
    const { project, occurred, expires } = draft;
    const fields = {
      ...{ text: draft.text, tags: parseTags(draft.tags), source: draft.source.trim() },
      stated: { project: project.trim(), occurred, expires, pinned: draft.pinned === 'yes' },
    };
    onSave(fields).then(
      () => {
        forget(draft);
      },
      (error: unknown) => {
        setProblem(explain(error));
        setSaving(false);
      },
    );
  };
  const cancel = (): void => {
    forget();
    onCancel();
  };
  return (
    <form onSubmit={submit} onKeyDown={submitByKeys}>
      <Problem text={problem} />
      <label>
        Text
        <textarea
          ref={field}
          rows={5}
          dir="auto"
          required
          value={draft.text}
          onInput={(event) => {
            change({ text: event.currentTarget.value });
          }}
        />
      </label>
      <Line
        label="Tags"
        hint="separated by commas"
        value={draft.tags}
        onChange={(value) => {
          change({ tags: value });
        }}
      />
      <Line
        label="Source"
        hint="a person, a document, an address"
        value={draft.source}
        onChange={(value) => {
          change({ source: value });
        }}
      />
      <MoreFields draft={draft} change={change} />
      <div class="actions">
        <button type="submit" class="primary" disabled={saving}>
          Save
        </button>
        <button type="button" onClick={cancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}

interface MoreFieldsProps {
  readonly draft: Readonly<Record<'project' | 'occurred' | 'expires' | 'pinned', string>>;
  readonly change: (fields: Partial<Record<'project' | 'occurred' | 'expires' | 'pinned', string>>) => void;
}

/** The statements of a memory about itself, beside its text. */
function MoreFields({ draft, change }: MoreFieldsProps) {
  return (
    <details class="more-fields">
      <summary>Project and time</summary>
      <Line
        label="Project"
        hint="empty: it holds in all"
        value={draft.project}
        onChange={(value) => {
          change({ project: value });
        }}
      />
      <Day
        label="True on"
        hint="the day it was true, or happened"
        value={draft.occurred}
        onChange={(value) => {
          change({ occurred: value });
        }}
      />
      <Day
        label="Holds until"
        hint="the last day; then search leaves it out"
        value={draft.expires}
        onChange={(value) => {
          change({ expires: value });
        }}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={draft.pinned === 'yes'}
          onChange={(event) => {
            change({ pinned: event.currentTarget.checked ? 'yes' : '' });
          }}
        />
        Pinned: in the brief of every session
      </label>
    </details>
  );
}

/** Ctrl+Enter or ⌘+Enter submits, because Enter alone makes a new line in the text. */
function submitByKeys(event: KeyboardEvent & { readonly currentTarget: HTMLFormElement }): void {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
}

interface LineProps {
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Line({ label, hint, value, onChange }: LineProps) {
  return (
    <label>
      {label} <span class="hint">{hint}</span>
      <input
        type="text"
        dir="auto"
        value={value}
        onInput={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
    </label>
  );
}

/** The typed texts by the names of their fields. */
type Draft = Readonly<Record<string, string>>;

export interface KeptDraft<Fields extends Draft> {
  readonly draft: Fields;
  readonly change: (fields: Partial<Fields>) => void;
  /** Deletes the draft after it was cancelled, or after these fields were saved: what was typed since then stays. */
  readonly forget: (saved?: Fields) => void;
}

/**
 * Keeps unsaved input in this tab, also while the user looks at other views.
 * @param name name of the draft
 * @param initial values of the fields without a draft
 */
function useDraft<Fields extends Draft>(name: string, initial: Fields): KeptDraft<Fields> {
  const [key] = useState(() => draftKey(spaceHere(), name));
  const [draft, setDraft] = useState(() => readDraft(key, initial));
  return {
    draft,
    change: (fields) => {
      const changed = { ...draft, ...fields };
      setDraft(changed);
      sessionStorage.setItem(key, JSON.stringify(changed));
    },
    forget: (saved) => {
      const isSaved = saved === undefined || isSame(saved, readDraft(key, saved));
      if (isSaved) sessionStorage.removeItem(key);
    },
  };
}

function readDraft<Fields extends Draft>(key: string, initial: Fields): Fields {
  const kept = sessionStorage.getItem(key);
  // Only `change` writes this item.
  return kept === null ? initial : { ...initial, ...(JSON.parse(kept) as Fields) };
}

function isSame<Fields extends Draft>(one: Fields, other: Fields): boolean {
  return Object.keys(one).every((name) => one[name] === other[name]);
}
