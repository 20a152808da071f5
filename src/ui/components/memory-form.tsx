import { useState } from 'preact/hooks';
import { explain } from '../api-error.ts';
import type { MemoryFields } from '../memory-changes.ts';
import { parseTags } from '../words.ts';
import { Problem } from './notice.tsx';

interface MemoryFormProps {
  readonly initial?: Partial<MemoryFields>;
  readonly onSave: (fields: MemoryFields) => Promise<void>;
  readonly onCancel: () => void;
}

/** Writes a new memory, or changes one. */
export function MemoryForm({ initial = {}, onSave, onCancel }: MemoryFormProps) {
  const [text, setText] = useState(initial.text ?? '');
  const [tags, setTags] = useState((initial.tags ?? []).join(', '));
  const [source, setSource] = useState(initial.source ?? '');
  const [problem, setProblem] = useState('');
  const [saving, setSaving] = useState(false);
  const submit = (event: Event): void => {
    event.preventDefault();
    setSaving(true);
    onSave({ text, tags: parseTags(tags), source: source.trim() }).catch((error: unknown) => {
      setProblem(explain(error));
      setSaving(false);
    });
  };
  return (
    <form onSubmit={submit}>
      <Problem text={problem} />
      <label>
        Text
        <textarea
          rows={5}
          required
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
          }}
        />
      </label>
      <Line label="Tags" hint="with commas between" value={tags} onChange={setTags} />
      <Line label="Source" hint="a person, a document, an address" value={source} onChange={setSource} />
      <div class="actions">
        <button type="submit" class="primary" disabled={saving}>
          Save
        </button>
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      </div>
    </form>
  );
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
        value={value}
        onInput={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
    </label>
  );
}
