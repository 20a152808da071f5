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

/** @param props.visit changes when the user has entered a token */
export function Navigation({ current, visit }: { readonly current: string; readonly visit: number }) {
  const stats = useStats(`${current} ${visit}`);
  const counts: Readonly<Record<string, number | undefined>> = {
    trash: stats?.trash,
    conflicts: stats?.conflicts,
  };
  const shown = current === 'memory' ? 'memories' : current;
  return (
    <nav aria-label="Main">
      <ul>
        {ENTRIES.map(({ view, title }) => {
          const count = counts[view] ?? 0;
          return (
            <li key={view}>
              <a href={linkTo(view)} aria-current={view === shown ? 'page' : undefined}>
                {title} {count === 0 ? null : <span class="badge">{count.toLocaleString()}</span>}
              </a>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
