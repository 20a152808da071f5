import { Empty } from '../shared/elements.tsx';
import type { GrowthDay } from '../shared/types.ts';
import { count } from '../shared/words.ts';
import { intoPeriods, type Period } from './into-periods.ts';

const WIDTH = 720;
/** Pixels, the same as in the style sheet. Only the width is stretched. */
const HEIGHT = 180;
/** Space above and below the chart, so that the numbers of the scale stand at the right height. */
const EDGE = 8;
const WIDEST_BAR = 24;
/** Part of the height that the bars may take, so that they do not hide the line. */
const BAR_PART = 0.6;
/** Minimum height of a bar in pixels, so that it is visible. */
const LOWEST_BAR = 1;

/** A chart of the number of memories over time, and of the memories added in each period. */
export function GrowthChart({ days }: { readonly days: readonly GrowthDay[] }) {
  const { periods, length } = intoPeriods(days);
  const total = periods.at(-1)?.total ?? 0;
  const first = days[0]?.day ?? '';
  const last = days.at(-1)?.day ?? '';
  if (total === 0) return <Empty>There are no memories yet.</Empty>;
  const most = Math.max(...periods.map(({ added }) => added));
  return (
    <figure>
      <div class="growth hint">
        <div class="scale" aria-hidden="true">
          <span>{total.toLocaleString()}</span>
          <span>0</span>
        </div>
        <svg
          class="chart"
          viewBox={`0 ${-EDGE} ${WIDTH} ${HEIGHT + 2 * EDGE}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`${count(total, 'memory', 'memories')}, added from ${first} to ${last}`}
        >
          <Curves periods={periods} total={total} most={most} />
          <Names periods={periods} length={length} />
        </svg>
        <div class="ends">
          <span>{first}</span>
          <span>{last}</span>
        </div>
      </div>
      <figcaption class="legend hint">
        <span class="key line-key">all memories, {total.toLocaleString()} now</span>
        <span class="key bar-key">
          added {length === 1 ? 'a day' : `in ${length} days`}, at most {most.toLocaleString()}; square-root
          scale, so that small numbers are visible
        </span>
      </figcaption>
      <GrowthTable periods={periods} />
    </figure>
  );
}

interface CurvesProps {
  readonly periods: readonly Period[];
  readonly total: number;
  /** Largest number of memories added in one period. */
  readonly most: number;
}

function Curves({ periods, total, most }: CurvesProps) {
  const step = WIDTH / periods.length;
  const bar = Math.min(step * 0.7, WIDEST_BAR);
  const line = periods.map(({ total: sum }, index) => `${(index + 1) * step},${HEIGHT * (1 - sum / total)}`);
  return (
    <>
      <line class="axis" x1={0} x2={WIDTH} y1={0} y2={0} />
      {periods.map(({ day, added }, index) => {
        if (added === 0) return null;
        // On a linear scale, one day of an import would hide all other days.
        const height = Math.max(LOWEST_BAR, Math.sqrt(added / most) * HEIGHT * BAR_PART);
        const x = (index + 0.5) * step - bar / 2;
        return <rect key={day} class="bar" x={x} width={bar} y={HEIGHT - height} height={height} />;
      })}
      <line class="axis" x1={0} x2={WIDTH} y1={HEIGHT} y2={HEIGHT} />
      <polyline class="line" points={`0,${HEIGHT} ${line.join(' ')}`} />
    </>
  );
}

/** Tooltips: one for each period, over the whole height of the chart. */
function Names({ periods, length }: { readonly periods: readonly Period[]; readonly length: number }) {
  const step = WIDTH / periods.length;
  return (
    <>
      {periods.map(({ day, added, total }, index) => (
        <rect key={day} class="period" x={index * step} width={step} y={0} height={HEIGHT}>
          <title>
            {length === 1 ? day : `${length} days from ${day}`}
            {`: ${added.toLocaleString()} added, ${total.toLocaleString()} in all`}
          </title>
        </rect>
      ))}
    </>
  );
}

/** The numbers of the chart as a table. */
function GrowthTable({ periods }: { readonly periods: readonly Period[] }) {
  return (
    <details>
      <summary>As a table</summary>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" class="number">
              Added
            </th>
            <th scope="col" class="number">
              All
            </th>
          </tr>
        </thead>
        <tbody>
          {periods.map(({ day, added, total }) => (
            <tr key={day}>
              <th scope="row">{day}</th>
              <td class="number">{added.toLocaleString()}</td>
              <td class="number">{total.toLocaleString()}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
