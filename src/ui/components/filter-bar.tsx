import { useId } from 'preact/hooks';
import { type Filter, NO_FILTER } from '../filter.ts';
import { useStats } from '../use-stats.ts';

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
  // The server names the most frequent ones only.
  const isRare = value !== '' && options[value] === undefined;
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
        {isRare ? <option value={value}>{value}</option> : null}
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
