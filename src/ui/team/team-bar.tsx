import {
  inAddress,
  mayWriteIn,
  ownSpaceOf,
  type Role,
  type Space,
  type Team,
  useTeam,
} from '../shared/team.tsx';
import { linkTo } from '../shared/view-address.ts';

const ENTRIES = [
  { view: 'members', title: 'Members' },
  { view: 'audit', title: 'Audit log' },
  { view: 'spaces', title: 'Spaces' },
  { view: 'tokens', title: 'Tokens' },
] as const;

/** Views of one thing, which another space has not. */
const OF_ONE_SPACE: Readonly<Record<string, string>> = { memory: 'memories', conversation: 'conversations' };

/** The line below the navigation with the space, and with the views about people. Nothing without people. */
export function TeamBar({ current }: { readonly current: string }) {
  const team = useTeam();
  if (team === null) return null;
  return (
    <section class="team" aria-label="Space and people">
      <SpaceSwitch team={team} current={current} />
      <nav aria-label="Team">
        <ul>
          {ENTRIES.map(({ view, title }) => (
            <li key={view}>
              <a href={linkTo(view)} aria-current={view === current ? 'page' : undefined}>
                {title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <p class="who">
        <span class="hidden">Signed in as </span>
        <bdi>{team.me.name}</bdi>
      </p>
      <ReadOnlyReason team={team} />
    </section>
  );
}

interface SpaceSwitchProps {
  readonly team: Team;
  readonly current: string;
}

function SpaceSwitch({ team, current }: SpaceSwitchProps) {
  const { here, spaces } = team;
  return (
    <label class="space">
      Space
      <select
        dir="auto"
        value={here?.id ?? ''}
        onChange={({ currentTarget }) => {
          const view = OF_ONE_SPACE[current] ?? current;
          location.hash = linkTo(view, undefined, inAddress(team, currentTarget.value));
        }}
      >
        {here === undefined ? (
          <option value="" disabled>
            no space of yours
          </option>
        ) : null}
        {spaces.map((space) => (
          <option key={space.id} value={space.id}>
            {titleOf(space)} ({roleInWords(space, team)})
          </option>
        ))}
      </select>
    </label>
  );
}

const LONGEST_TITLE = 60;

/** The name, and the id where the name does not tell it. Long names are cut. */
export function titleOf({ id, name }: Pick<Space, 'id' | 'name'>): string {
  const short = name.length > LONGEST_TITLE ? `${name.slice(0, LONGEST_TITLE)}…` : name;
  return name.toLowerCase() === id ? short : `${short} · ${id}`;
}

export function roleInWords({ id, role, kind }: Space, { me }: Pick<Team, 'me'>): string {
  return id === ownSpaceOf(me) && kind === 'personal' ? 'yours' : role;
}

export const ROLE_MEANINGS: Readonly<Record<Role, string>> = {
  reader: 'reader: searches and reads',
  writer: 'writer: changes memories too',
  owner: 'owner: members, audit log and removal too',
};

/** Says why buttons are missing. */
function ReadOnlyReason({ team }: { readonly team: Team }) {
  const { me, here } = team;
  if (here === undefined || mayWriteIn(team, here)) return null;
  return (
    <p class="hint reason">
      {me.scopes.includes('memory:write')
        ? 'You may only read in this space, because your role is reader.'
        : 'You may only read, because your token or sign-in allows no more.'}
    </p>
  );
}
