import { useState } from 'preact/hooks';

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
export function useDraft<Fields extends Draft>(name: string, initial: Fields): KeptDraft<Fields> {
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
