import type { GrowthDay } from '../types.ts';
import { intoPeriods } from '../into-periods.ts';
import { count } from '../words.ts';
import { GrowthTable } from './growth-table.tsx';
import { Empty } from './notice.tsx';

const WIDTH = 720;
const HEIGHT = 180;
const WIDEST_BAR = 24;
/** Of the height, for the bars, so that they do not hide the line. */
const BAR_PART = 0.6;

/** How many memories there were over time, and how many came in each period. */
export function GrowthChart({ days }: { readonly days: readonly GrowthDay[] }) {
  const { periods, length } = intoPeriods(days);
  const total = periods.at(-1)?.total ?? 0;
  const first = days[0]?.day ?? '';
  const last = days.at(-1)?.day ?? '';
  if (total === 0) return <Empty>Nothing is remembered here yet.</Empty>;
  const step = WIDTH / periods.length;
  const bar = Math.min(step * 0.7, WIDEST_BAR);
  const most = Math.max(...periods.map(({ added }) => added));
  const line = periods.map(({ total: sum }, index) => `${(index + 1) * step},${HEIGHT * (1 - sum / total)}`);
  return (
    <figure>
      <svg
        class="chart"
        viewBox={`0 -4 ${WIDTH} ${HEIGHT + 8}`}
        role="img"
        aria-label={`${count(total, 'memory', 'memories')}, added from ${first} to ${last}`}
      >
        {periods.map(({ day, added }, index) => {
          const height = (added / most) * HEIGHT * BAR_PART;
          const x = (index + 0.5) * step - bar / 2;
          return (
            <rect key={day} class="bar" x={x} width={bar} y={HEIGHT - height} height={height}>
              <title>{`${day}: ${added} added`}</title>
            </rect>
          );
        })}
        <line class="axis" x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
        <polyline class="line" points={`0,${HEIGHT} ${line.join(' ')}`} />
      </svg>
      <div class="ends hint">
        <span>{first}</span>
        <span>{last}</span>
      </div>
      <figcaption class="legend hint">
        <span class="key line-key">all memories, {total.toLocaleString()} now</span>
        <span class="key bar-key">
          added {length === 1 ? 'a day' : `in ${length} days`}, at most {most.toLocaleString()}
        </span>
      </figcaption>
      <GrowthTable periods={periods} />
    </figure>
  );
}
