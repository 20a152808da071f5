import { call } from '../api.ts';
import type { Stats } from '../types.ts';
import { linkTo } from '../use-place.ts';
import { useLoad } from '../use-load.ts';

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
  const { value } = useLoad(`${current} ${visit}`, (signal) => call<Stats>('GET', '/stats', { signal }));
  const counts: Readonly<Record<string, number | undefined>> = {
    trash: value?.trash,
    conflicts: value?.conflicts,
  };
  const shown = current === 'memory' ? 'memories' : current;
  return (
    <nav aria-label="Main">
      <ul>
        {ENTRIES.map(({ view, title }) => (
          <li key={view}>
            <a href={linkTo(view)} aria-current={view === shown ? 'page' : undefined}>
              {title}
              <Badge count={counts[view]} />
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function Badge({ count }: { readonly count: number | undefined }) {
  if (count === undefined || count === 0) return null;
  return (
    <span class="badge">
      {count.toLocaleString()}
      <span class="hidden"> entries</span>
    </span>
  );
}
