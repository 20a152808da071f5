import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { explain } from '../shared/api.ts';
import { Problem } from '../shared/elements.tsx';
import type { MemoryFields } from '../shared/memory-changes.ts';
import { parseTags } from '../shared/words.ts';

interface MemoryFormProps {
  /** Tells what is written: what was typed and not saved is there again. */
  readonly name: string;
  readonly initial?: Partial<MemoryFields>;
  readonly onSave: (fields: MemoryFields) => Promise<void>;
  readonly onCancel: () => void;
}

/** Writes a new memory, or changes one. */
export function MemoryForm({ name, initial = {}, onSave, onCancel }: MemoryFormProps) {
  const { text = '', tags = [], source = '' } = initial;
  const { draft, change, forget } = useDraft(name, { text, tags: tags.join(', '), source });
  const [problem, setProblem] = useState('');
  const [saving, setSaving] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  // Before the next key arrives: after painting would be too late for a user who types at once.
  useLayoutEffect(() => field.current?.focus(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    setSaving(true);
    const fields = { text: draft.text, tags: parseTags(draft.tags), source: draft.source.trim() };
    onSave(fields).then(forget, (error: unknown) => {
      setProblem(explain(error));
      setSaving(false);
    });
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
        hint="with commas between"
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

/** Enter makes a new line in a text. */
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

/** What somebody types, field by field. */
type Draft = Readonly<Record<string, string>>;

export interface KeptDraft<Fields extends Draft> {
  readonly draft: Fields;
  readonly change: (fields: Partial<Fields>) => void;
  /** It was saved, or given up. */
  readonly forget: () => void;
}

/**
 * Keeps in this tab what somebody types, also when they look elsewhere before they save it.
 * @param name tells what is written
 * @param initial before anything is typed
 */
function useDraft<Fields extends Draft>(name: string, initial: Fields): KeptDraft<Fields> {
  const key = `draft ${name}`;
  const [draft, setDraft] = useState(() => readDraft(key, initial));
  return {
    draft,
    change: (fields) => {
      const changed = { ...draft, ...fields };
      setDraft(changed);
      sessionStorage.setItem(key, JSON.stringify(changed));
    },
    forget: () => {
      sessionStorage.removeItem(key);
    },
  };
}

function readDraft<Fields extends Draft>(key: string, initial: Fields): Fields {
  const kept = sessionStorage.getItem(key);
  // Written by `change` only.
  return kept === null ? initial : { ...initial, ...(JSON.parse(kept) as Fields) };
}
