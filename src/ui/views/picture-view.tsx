import { call } from '../api.ts';
import { GrowthChart } from '../components/growth-chart.tsx';
import { MemoryMap } from '../components/memory-map.tsx';
import { Empty, Problem } from '../components/notice.tsx';
import type { GrowthDay, MapPoint } from '../types.ts';
import { useLoad } from '../use-load.ts';

/** What is remembered, seen from far: over time, and by meaning. */
export function PictureView() {
  const growth = useLoad('growth', (signal) =>
    call<{ days: GrowthDay[] }>('GET', '/stats/growth', { signal }),
  );
  const map = useLoad('map', (signal) =>
    call<{ points: MapPoint[]; total: number }>('GET', '/memories/map', { signal }),
  );
  const points = map.value?.points;
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
        <p class="hint">
          Each dot is a memory; near each other means a similar meaning. Drag to move, scroll or + and − to
          come closer, arrow keys to walk from dot to dot, Enter to open.
        </p>
        <Problem text={map.problem} />
        {points === undefined && map.loading ? <p class="hint">Drawing…</p> : null}
        {points?.length === 0 ? <Empty>No memory has a vector yet.</Empty> : null}
        {points === undefined || points.length === 0 ? null : <MemoryMap points={points} />}
      </section>
    </>
  );
}
