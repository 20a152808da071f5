import { call } from '../api.ts';
import { GrowthChart } from '../components/growth-chart.tsx';
import { MapNotes } from '../components/map-notes.tsx';
import { MemoryMap } from '../components/memory-map.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import { useMapPoints } from '../components/use-map-points.ts';
import type { GrowthDay } from '../types.ts';
import { useLoad } from '../use-load.ts';

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
