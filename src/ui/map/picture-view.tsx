import { useEffect } from 'preact/hooks';
import { call } from '../shared/api.ts';
import { Empty, Problem } from '../shared/elements.tsx';
import { type Loaded, useLoad } from '../shared/load.ts';
import type { GrowthDay, MapPoint, Stats } from '../shared/types.ts';
import { count, timeLeft } from '../shared/words.ts';
import { GrowthChart } from './growth-chart.tsx';
import { MemoryMap } from './memory-map.tsx';

/** Days begin in the time zone of the browser, as everywhere on the page. */
const GROWTH_HERE = `/stats/growth?${new URLSearchParams({
  time_zone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
}).toString()}`;

/** An overview of all memories: over time, and by meaning. */
export function PictureView() {
  const growth = useLoad('growth', (signal) => call<{ days: GrowthDay[] }>('GET', GROWTH_HERE, { signal }));
  return (
    <>
      <h1>Picture</h1>
      <section class="card">
        <h2>Growth</h2>
        <Problem text={growth.problem} onRetry={growth.reload} />
        {growth.value === undefined ? null : <GrowthChart days={growth.value.days} />}
      </section>
      <section class="card">
        <h2>Map by meaning</h2>
        <p class="hint">
          <span id="map-help">
            Each dot is a memory. Dots near each other have a similar meaning.{' '}
            <span class="with-mouse">
              Use Ctrl or ⌘ with the wheel to zoom, drag to move, and click a dot to open it.
            </span>{' '}
            <span class="with-finger">
              Use two fingers to zoom, one finger to move the map, and tap a dot to read it.
            </span>
          </span>{' '}
          <span id="map-keys" class="with-mouse">
            With the keyboard: arrow keys go from dot to dot, + and − zoom, 0 shows the whole map, Enter opens
            the memory.
          </span>
        </p>
        <MapSection />
      </section>
    </>
  );
}

function MapSection() {
  const { value, problem, loading, pending, secondsLeft, pendingProblem } = useMapPoints();
  return (
    <>
      <Problem text={problem} />
      {value === undefined && loading ? <p class="hint">Drawing…</p> : null}
      {value === undefined ? null : (
        <>
          <MapNotes
            total={value.total}
            pending={pending}
            secondsLeft={secondsLeft}
            pendingProblem={pendingProblem}
          />
          {value.points.length === 0 ? (
            <Empty>No memory has a place on the map yet.</Empty>
          ) : (
            <MemoryMap points={value.points} />
          )}
        </>
      )}
    </>
  );
}

interface MapNotesProps extends Pick<MapPoints, 'pending' | 'secondsLeft' | 'pendingProblem'> {
  /** Number of all memories. */
  readonly total: number;
}

/** Says why some memories are not on the map. */
function MapNotes({ total, pending, secondsLeft, pendingProblem }: MapNotesProps) {
  const waiting = count(pending, 'memory', 'memories');
  const verb = pending === 1 ? 'is' : 'are';
  return (
    <>
      {total > MAP_LIMIT ? (
        <p class="hint">
          Only the newest {MAP_LIMIT.toLocaleString()} of {total.toLocaleString()} memories are drawn.
        </p>
      ) : null}
      {pending > 0 && pendingProblem === undefined ? (
        <p class="hint">
          {waiting} {verb} still being processed and will then appear on the map.{' '}
          {(total - pending).toLocaleString()} of {total.toLocaleString()} are done
          {secondsLeft === undefined ? '' : `, about ${timeLeft(secondsLeft)} left`}.
        </p>
      ) : null}
      {pending > 0 && pendingProblem !== undefined ? (
        <Problem text={`${waiting} cannot be processed now: ${pendingProblem}`} />
      ) : null}
      {pending === 0 ? <Problem text={pendingProblem ?? ''} /> : null}
    </>
  );
}

export interface MapAnswer {
  readonly points: readonly MapPoint[];
  /** Number of all memories. The map may have fewer. */
  readonly total: number;
}

/** Maximum number of memories on the map. The newest ones are shown. */
const MAP_LIMIT = 2_000;
const PAUSE_MS = 5_000;

interface MapPoints extends Loaded<MapAnswer> {
  /** Number of memories without an embedding, which have no place on the map yet. */
  readonly pending: number;
  /** Estimated seconds until no memory is pending; undefined when unknown. */
  readonly secondsLeft: number | undefined;
  /** Why the pending memories cannot be processed; undefined when they can. */
  readonly pendingProblem: string | undefined;
}

/** Loads the map, and loads it again while memories are pending. */
function useMapPoints(): MapPoints {
  const { value, loading, reload } = useLoad('stats', (signal) => call<Stats>('GET', '/stats', { signal }));
  const { pending, problem, seconds_left: secondsLeft } = value?.embedding ?? { pending: 0 };
  // The key makes the map load again after each change of the number.
  const map = useLoad(`map ${pending}`, (signal) =>
    call<MapAnswer>('GET', `/memories/map?limit=${MAP_LIMIT}`, { signal }),
  );
  const isBusy = loading || map.loading;
  useEffect(() => {
    if (pending === 0 || isBusy) return undefined;
    const timer = setTimeout(reload, PAUSE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [pending, isBusy, reload]);
  return { ...map, pending, secondsLeft, pendingProblem: problem };
}
