import { useId } from 'preact/hooks';
import { useStats } from '../use-stats.ts';

/** Empty = any. */
export interface Filter {
  readonly tags: string;
  readonly source: string;
  readonly after: string;
  readonly before: string;
}

export const NO_FILTER: Filter = { tags: '', source: '', after: '', before: '' };

/** The conditions that are given, for the query of an address. */
export function queryOf(filter: Filter): string {
  return new URLSearchParams(conditionsOf(filter)).toString();
}

/** The same for a body. */
export function conditionsOf(filter: Filter): Record<string, string> {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== ''));
}

interface FilterBarProps {
  readonly filter: Filter;
  readonly onChange: (filter: Filter) => void;
}

export function FilterBar({ filter, onChange }: FilterBarProps) {
  const stats = useStats();
  const set = (change: Partial<Filter>): void => {
    onChange({ ...filter, ...change });
  };
  const isSet = Object.values(filter).some((value) => value !== '');
  return (
    <details class="filters" open={isSet}>
      <summary>Filters</summary>
      <div class="fields">
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
        <Day
          label="Created since"
          value={filter.after}
          onChange={(after) => {
            set({ after });
          }}
        />
        <Day
          label="Created until"
          value={filter.before}
          onChange={(before) => {
            set({ before });
          }}
        />
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

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function Choice({ label, value, options, onChange }: FieldProps & ChoiceOptions) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
      >
        <option value="">any</option>
        {Object.entries(options).map(([name, count]) => (
          <option key={name} value={name}>
            {name} ({count})
          </option>
        ))}
      </select>
    </div>
  );
}

interface ChoiceOptions {
  /** How many memories have each. */
  readonly options: Readonly<Record<string, number>>;
}

function Day({ label, value, onChange }: FieldProps) {
  return (
    <label>
      {label}
      <input
        type="date"
        value={value}
        onInput={(event) => {
          onChange(event.currentTarget.value);
        }}
      />
    </label>
  );
}
