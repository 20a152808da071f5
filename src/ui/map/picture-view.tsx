import { useEffect } from 'preact/hooks';
import { call } from '../shared/api.ts';
import { Empty, Problem } from '../shared/elements.tsx';
import { type Loaded, useLoad } from '../shared/load.ts';
import type { GrowthDay, MapPoint, Stats } from '../shared/types.ts';
import { count, timeLeft } from '../shared/words.ts';
import { GrowthChart } from './growth-chart.tsx';
import { MemoryMap } from './memory-map.tsx';

/** In the days of the browser, as everything on the page. */
const GROWTH_HERE = `/stats/growth?${new URLSearchParams({
  time_zone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
}).toString()}`;

/** What is remembered, seen from far: over time, and by meaning. */
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
            Each dot is a memory; near each other means a similar meaning.{' '}
            <span class="with-mouse">
              Ctrl or ⌘ with the wheel comes closer, then drag to move; click a dot to open it.
            </span>{' '}
            <span class="with-finger">
              Two fingers come closer, then one moves the map; tap a dot to read it.
            </span>
          </span>{' '}
          <span id="map-keys" class="with-mouse">
            With the keyboard: arrow keys walk from dot to dot, + and − come closer and go back, 0 shows all,
            Enter opens.
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
  /** Of all memories. */
  readonly total: number;
}

/** Why the map does not have all memories. */
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
          {waiting} {verb} still being read; the map grows until that is done.{' '}
          {(total - pending).toLocaleString()} of {total.toLocaleString()} are done
          {secondsLeft === undefined ? '' : `, about ${timeLeft(secondsLeft)} left`}.
        </p>
      ) : null}
      {pending > 0 && pendingProblem !== undefined ? (
        <Problem text={`${waiting} cannot be read now: ${pendingProblem}`} />
      ) : null}
      {pending === 0 ? <Problem text={pendingProblem ?? ''} /> : null}
    </>
  );
}

export interface MapAnswer {
  readonly points: readonly MapPoint[];
  /** Of all memories; the map may have fewer. */
  readonly total: number;
}

/** The map has the newest so many. */
const MAP_LIMIT = 2_000;
const PAUSE_MS = 5_000;

interface MapPoints extends Loaded<MapAnswer> {
  /** Memories that have no place on the map as long as their meaning is not known. */
  readonly pending: number;
  /** Seconds until none is pending; undefined = not known. */
  readonly secondsLeft: number | undefined;
  /** Why that does not go on; undefined = it does. */
  readonly pendingProblem: string | undefined;
}

/** The map, loaded again as long as it lacks memories. */
function useMapPoints(): MapPoints {
  const { value, loading, reload } = useLoad('stats', (signal) => call<Stats>('GET', '/stats', { signal }));
  const { pending, problem, seconds_left: secondsLeft } = value?.embedding ?? { pending: 0 };
  // After each change of the number, so that the map has all that the number says is done.
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
