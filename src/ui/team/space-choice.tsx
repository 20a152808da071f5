import { useMemo, useState } from 'preact/hooks';
import { spaceOf, useTeam } from '../shared/team.tsx';
import { roleInWords, titleOf } from './team-bar.tsx';

/** As many as the server searches at once. */
const MOST_SPACES = 20;

interface SpaceChoiceProps {
  /** Ids of spaces; empty: only the one that the page shows. */
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

/** Chooses the spaces that are searched. Nothing where there is one space only. */
export function SpaceChoice({ chosen, onChange }: SpaceChoiceProps) {
  const team = useTeam();
  if (team === null || team.spaces.length < 2) return null;
  const { spaces, here } = team;
  const isChosen = (id: string): boolean => (chosen.length === 0 ? id === here?.id : chosen.includes(id));
  const set = (id: string, wanted: boolean): void => {
    const ids = spaces.map((space) => space.id).filter((one) => (one === id ? wanted : isChosen(one)));
    onChange(ids.length === 1 && ids[0] === here?.id ? [] : ids);
  };
  return (
    <details class="filters" open={chosen.length > 0}>
      <summary>Search in {chosen.length < 2 ? 'one space' : `${chosen.length} spaces`}</summary>
      <fieldset>
        <legend class="hidden">Spaces that are searched</legend>
        {spaces.map((space) => (
          <label class="check" key={space.id}>
            <input
              type="checkbox"
              checked={isChosen(space.id)}
              disabled={chosen.length >= MOST_SPACES && !isChosen(space.id)}
              onChange={(event) => {
                set(space.id, event.currentTarget.checked);
              }}
            />
            <bdi>{titleOf(space)}</bdi> <span class="hint">{roleInWords(space, team)}</span>
          </label>
        ))}
        <button
          type="button"
          onClick={() => {
            onChange(spaces.slice(0, MOST_SPACES).map((space) => space.id));
          }}
        >
          All spaces
        </button>
      </fieldset>
    </details>
  );
}

/** The spaces that are searched, from the address; empty = the one that the page shows. Those that are gone are left out. */
export function useSearchedSpaces(
  parameters: string,
): [readonly string[], (spaces: readonly string[]) => void] {
  const team = useTeam();
  const [chosen, setChosen] = useState<readonly string[]>(
    () => new URLSearchParams(parameters).get('in')?.split(',') ?? [],
  );
  const known = useMemo(
    () => (team === null ? [] : chosen.filter((id) => spaceOf(team, id) !== undefined)),
    [team, chosen],
  );
  return [known, setChosen];
}
