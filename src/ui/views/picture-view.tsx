import { call } from '../api.ts';
import { GrowthChart } from '../components/growth-chart.tsx';
import { MemoryMap } from '../components/memory-map.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import type { GrowthDay, MapPoint } from '../types.ts';
import { useLoad } from '../use-load.ts';

interface MapAnswer {
  readonly points: readonly MapPoint[];
  /** Of all memories; the map may have fewer. */
  readonly total: number;
}

/** What is remembered, seen from far: over time, and by meaning. */
export function PictureView() {
  const growth = useLoad('growth', (signal) =>
    call<{ days: GrowthDay[] }>('GET', '/stats/growth', { signal }),
  );
  const { value, problem, loading } = useLoad('map', (signal) =>
    call<MapAnswer>('GET', '/memories/map', { signal }),
  );
  return (
    <>
      <h1>Picture</h1>
      <section class="card">
        <h2>Growth</h2>
        <Problem text={growth.problem} />
        {growth.value === undefined ? null : <GrowthChart days={growth.value.days} />}
      </section>
      <section class="card">
        <h2>Map by meaning</h2>
        <p class="hint" id="map-help">
          Each dot is a memory; near each other means a similar meaning. Drag to move, scroll to come closer,
          click a dot to open it. With the keyboard: arrow keys walk from dot to dot, + and − come closer and
          go back, 0 shows all, Enter opens.
        </p>
        <Problem text={problem} />
        {value === undefined && loading ? <p class="hint">Drawing…</p> : null}
        {value === undefined ? null : <MapSection answer={value} />}
      </section>
    </>
  );
}

function MapSection({ answer: { points, total } }: { readonly answer: MapAnswer }) {
  if (points.length === 0) return <Empty>No memory has a place on the map yet.</Empty>;
  return (
    <>
      {points.length < total ? (
        <p class="hint">
          {points.length.toLocaleString()} of {total.toLocaleString()} memories are shown.
        </p>
      ) : null}
      <MemoryMap points={points} />
    </>
  );
}
