import type { GrowthDay } from '../types.ts';
import { count } from '../words.ts';
import { Empty } from './notice.tsx';

interface Period {
  /** First day of it. */
  readonly day: string;
  readonly added: number;
  /** All until its end. */
  readonly total: number;
}

const WIDTH = 720;
const HEIGHT = 180;
const WIDEST_BAR = 24;
const MAX_PERIODS = 60;
const DAY_MS = 86_400_000;

/** How many memories there were over time, and how many came in each period. */
export function GrowthChart({ days }: { readonly days: readonly GrowthDay[] }) {
  const periods = intoPeriods(days);
  const total = periods.at(-1)?.total ?? 0;
  if (total === 0) return <Empty>Nothing is remembered here yet.</Empty>;
  const step = WIDTH / periods.length;
  const bar = Math.min(step * 0.7, WIDEST_BAR);
  const most = Math.max(...periods.map(({ added }) => added));
  const line = periods.map(
    ({ total: sum }, index) => `${(index + 0.5) * step},${HEIGHT - (sum / total) * HEIGHT}`,
  );
  return (
    <figure>
      <svg
        class="chart"
        viewBox={`-4 -8 ${WIDTH + 8} ${HEIGHT + 16}`}
        role="img"
        aria-label={`${count(total, 'memory', 'memories')} since ${periods[0]?.day ?? ''}`}
      >
        {periods.map(({ day, added }, index) => (
          <rect
            key={day}
            class="bar"
            x={(index + 0.5) * step - bar / 2}
            width={bar}
            y={HEIGHT - (added / most) * HEIGHT * 0.6}
            height={(added / most) * HEIGHT * 0.6}
          >
            <title>{`${day}: ${added} added`}</title>
          </rect>
        ))}
        <polyline class="line" points={line.join(' ')} />
      </svg>
      <figcaption class="hint">
        Line: all memories, up to {total.toLocaleString()}. Bars: how many were added, up to{' '}
        {most.toLocaleString()} at a time, from {periods[0]?.day} to {days.at(-1)?.day}.
      </figcaption>
      <details>
        <summary>As a table</summary>
        <table>
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col">Added</th>
              <th scope="col">All</th>
            </tr>
          </thead>
          <tbody>
            {periods.map(({ day, added, total: sum }) => (
              <tr key={day}>
                <th scope="row">{day}</th>
                <td>{added.toLocaleString()}</td>
                <td>{sum.toLocaleString()}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </figure>
  );
}

/** Equal periods from the first day to the last, days without a memory included. */
function intoPeriods(days: readonly GrowthDay[]): Period[] {
  const [first] = days;
  const last = days.at(-1);
  if (first === undefined || last === undefined) return [];
  const start = Date.parse(first.day);
  const all = Math.round((Date.parse(last.day) - start) / DAY_MS) + 1;
  const length = Math.ceil(all / MAX_PERIODS);
  const sums = new Array<number>(Math.ceil(all / length)).fill(0);
  for (const { day, added } of days) {
    const index = Math.floor((Date.parse(day) - start) / DAY_MS / length);
    sums[index] = (sums[index] ?? 0) + added;
  }
  let total = 0;
  return sums.map((added, index) => {
    total += added;
    return { day: new Date(start + index * length * DAY_MS).toISOString().slice(0, 10), added, total };
  });
}
