import { useEffect, useId, useState } from 'preact/hooks';
import { Day } from '../shared/elements.tsx';
import { type Filter, NO_FILTER, toKind } from '../shared/filter.ts';
import { useStats } from '../shared/load.ts';

interface FilterBarProps {
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}

const DAYS = [
  { label: 'Created since', name: 'after' },
  { label: 'Created until', name: 'before' },
  { label: 'Happened since', name: 'occurredAfter' },
  { label: 'Happened until', name: 'occurredBefore' },
] as const;

export function FilterBar({ filter, onChange }: FilterBarProps) {
  const stats = useStats();
  const set = (change: Partial<Filter>): void => {
    onChange({ ...filter, ...change });
  };
  // Only the initial state follows the filter. Later the user opens and closes the bar.
  const [wasSet] = useState(() => isAnySet(filter));
  const isSet = isAnySet(filter);
  return (
    <details class="filters" open={wasSet}>
      <summary>Filters</summary>
      <div class="fields">
        <KindChoice
          value={filter.kind}
          onChange={(kind) => {
            set({ kind });
          }}
        />
        <Choice
          label="Tag"
          value={filter.tags}
          options={stats?.tags ?? {}}
          onChange={(tags) => {
            set({ tags });
          }}
        />
        <Choice
          label="Source"
          value={filter.source}
          options={stats?.sources ?? {}}
          onChange={(source) => {
            set({ source });
          }}
        />
        <Choice
          label="Project"
          value={filter.project}
          options={NO_OPTIONS}
          onChange={(project) => {
            set({ project });
          }}
        />
        {DAYS.map(({ label, name }) => (
          <Day
            key={name}
            label={label}
            value={filter[name]}
            onChange={(value) => {
              set({ [name]: value });
            }}
          />
        ))}
        <button
          type="button"
          disabled={!isSet}
          onClick={() => {
            onChange(NO_FILTER);
          }}
        >
          Clear filters
        </button>
      </div>
    </details>
  );
}

interface KindChoiceProps {
  readonly value: Filter['kind'];
  readonly onChange: (kind: Filter['kind']) => void;
}

function KindChoice({ value, onChange }: KindChoiceProps) {
  return (
    <label>
      Kind
      <select
        value={value}
        onChange={(event) => {
          onChange(toKind(event.currentTarget.value));
        }}
      >
        <option value="">any</option>
        <option value="fact">facts</option>
        <option value="conversation">conversations</option>
      </select>
    </label>
  );
}

/** Statistics do not count projects. */
const NO_OPTIONS = {};

function isAnySet(filter: Filter): boolean {
  return Object.values(filter).some((value) => value !== '');
}

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: FieldProps & ChoiceOptions) {
  const id = useId();
  const list = useId();
  const [typed, setTyped] = useState(value);
  useEffect(() => {
    setTyped(value);
  }, [value]);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        type="text"
        dir="auto"
        list={list}
        placeholder="any"
        value={typed}
        onInput={({ currentTarget }) => {
          setTyped(currentTarget.value);
          // A choice from the list counts immediately. Typed text counts when the field is left.
          if (currentTarget.value === '' || Object.hasOwn(options, currentTarget.value))
            onChange(currentTarget.value);
        }}
        onChange={({ currentTarget }) => {
          onChange(currentTarget.value);
        }}
      />
      <datalist id={list}>
        {Object.entries(options).map(([name, count]) => (
          <option key={name} value={name}>
            {count}
          </option>
        ))}
      </datalist>
    </div>
  );
}

interface ChoiceOptions {
  /** The most frequent values, with the number of memories that have each. */
  readonly options: Readonly<Record<string, number>>;
}
