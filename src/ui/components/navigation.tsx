import { reportChange } from '../changes.ts';
import { readToken } from '../session.ts';
import { linkTo } from '../use-place.ts';
import { useStats } from '../use-stats.ts';

interface Entry {
  readonly view: string;
  readonly title: string;
}

const ENTRIES: readonly Entry[] = [
  { view: 'memories', title: 'Memories' },
  { view: 'trash', title: 'Trash' },
  { view: 'conflicts', title: 'Conflicts' },
  { view: 'sync', title: 'Backups & sync' },
  { view: 'picture', title: 'Picture' },
  { view: 'transfer', title: 'Import & export' },
];

const OTHER_TITLES: Readonly<Record<string, string>> = { memory: 'Memory' };

/** The title of the window. */
export function titleOf(view: string): string {
  const title = ENTRIES.find((entry) => entry.view === view)?.title ?? OTHER_TITLES[view] ?? 'Memories';
  return title === 'Memories' ? title : `${title} · Memories`;
}

/** A link to where one is leads nowhere, but means that one wants to see what is new. */
function loadAgain({ currentTarget }: Event & { readonly currentTarget: HTMLAnchorElement }): void {
  if (currentTarget.hash === location.hash) reportChange();
}

interface NavigationProps {
  /** The view that is shown. */
  readonly current: string;
  /** Changes when the user has entered a token. */
  readonly session: number;
  readonly onChangeToken: () => void;
}

export function Navigation({ current, session, onChangeToken }: NavigationProps) {
  const stats = useStats(`${current} ${session}`);
  const counts: Readonly<Record<string, number | undefined>> = {
    trash: stats?.trash,
    conflicts: stats?.conflicts,
  };
  const shown = current === 'memory' ? 'memories' : current;
  return (
    <>
      <nav aria-label="Main">
        <ul>
          {ENTRIES.map(({ view, title }) => {
            const count = counts[view] ?? 0;
            return (
              <li key={view}>
                <a href={linkTo(view)} aria-current={view === shown ? 'page' : undefined} onClick={loadAgain}>
                  {title} {count === 0 ? null : <span class="badge">{count.toLocaleString()}</span>}
                </a>
              </li>
            );
          })}
        </ul>
      </nav>
      {readToken() === '' ? null : (
        <button type="button" class="quiet" onClick={onChangeToken}>
          Change token
        </button>
      )}
    </>
  );
}
