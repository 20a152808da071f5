import { readFileSync } from 'node:fs';
import { GROUPS, type Group, type Results } from '../../bench/lib/results.ts';
import { packagePath } from '../../src/util/package.ts';
import { cell, GENERATED } from './markdown.ts';

/** The results of the last published run of the benchmark. */
export function publishedResults(): Results {
  return JSON.parse(readFileSync(packagePath('docs', 'performance.json'), 'utf8')) as Results;
}

export function performancePage(results: Results): string {
  const { date, machine, rows } = results;
  const tables = (Object.keys(GROUPS) as Group[]).flatMap((group) => {
    const own = rows.filter((row) => row.group === group);
    if (own.length === 0) return [];
    return [
      `## ${GROUPS[group]}`,
      '',
      ...runOf(results, group),
      ...(group === 'growth' ? ['![Times by number of memories](pictures/growth.svg)', ''] : []),
      '| | measured | beside it, in the same run | budget | |',
      '| --- | --- | --- | --- | --- |',
      ...own.map(({ what, measured, reference, budget, ok }) =>
        [
          '',
          ` ${cell(what)} `,
          ` ${cell(measured)} `,
          ` ${cell(reference)} `,
          ` ${cell(budget)} `,
          ok ? ' ' : ' **over** ',
          '',
        ].join('|'),
      ),
      '',
    ];
  });
  const over = rows.filter(({ ok }) => !ok).length;
  return [
    '# How fast, how large',
    '',
    GENERATED,
    '',
    `One run of \`npm run bench\` on ${date}, version ${machine.version} (${machine.commit}): ${machine.system}, ${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node.js ${machine.node}.`,
    `Processes that wanted to run before and after, by the system's load of a minute: ${machine.loadBefore} and ${machine.loadAfter}. Times of another machine differ; the ratios (x) to what was measured beside them in the same run, and the exponents of growth, differ less.`,
    over === 0
      ? 'Every row is within its budget.'
      : `${over} of ${rows.length} rows are over their budget; they say so.`,
    '',
    'p50 and p95: half and 95 % of the runs were faster. WASM is the runtime of the model that everybody gets; native needs the package `onnxruntime-node`.',
    'Other memory servers are taken from npm in the named version and do the same work: 340 notes, one after the other, then 40 questions. Times beside them are of searches by words, as they do it.',
    '',
    ...tables,
  ].join('\n');
}

/** A sentence for a group of another run than the page. */
function runOf({ others = {} }: Results, group: Group): string[] {
  const run = others[group];
  if (run === undefined) return [];
  const { version, commit, node, loadBefore, loadAfter, processor } = run.machine;
  return [
    `Of a run on ${run.date}, version ${version} (${commit}), ${processor}, Node.js ${node}; load before and after: ${loadBefore} and ${loadAfter}.`,
    '',
  ];
}

const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 64, right: 300, top: 24, bottom: 44 };
const COLOURS = [
  '#3b82f6',
  '#ef4444',
  '#10b981',
  '#f59e0b',
  '#8b5cf6',
  '#ec4899',
  '#14b8a6',
  '#84cc16',
  '#f97316',
  '#6366f1',
  '#a3a3a3',
];
/** Between labels at the right. */
const LABEL = 17;

/** Times by number of memories, both in powers of ten. Light or dark follows the reader's choice. */
export function growthSvg({ growth }: Results): string {
  const times = growth.flatMap(({ points }) => points.map(([, time]) => time));
  const sizes = growth.flatMap(({ points }) => points.map(([memories]) => memories));
  const low = Math.floor(Math.log10(Math.min(...times)));
  const high = Math.ceil(Math.log10(Math.max(...times)));
  const first = Math.log10(Math.min(...sizes));
  const last = Math.log10(Math.max(...sizes));
  const x = (memories: number): number =>
    PLOT.left + ((Math.log10(memories) - first) / (last - first)) * (WIDTH - PLOT.left - PLOT.right);
  const y = (time: number): number =>
    HEIGHT - PLOT.bottom - ((Math.log10(time) - low) / (high - low)) * (HEIGHT - PLOT.top - PLOT.bottom);
  const edge = x(10 ** last);
  const rows = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index)).map(
    (time) =>
      `  <path class="grid" d="M${PLOT.left} ${y(time).toFixed(1)}H${edge.toFixed(1)}"/><text x="${PLOT.left - 8}" y="${(y(time) + 4).toFixed(1)}" text-anchor="end">${time} ms</text>`,
  );
  const columns = [...new Set(sizes)].map(
    (memories) =>
      `  <text x="${x(memories).toFixed(1)}" y="${HEIGHT - 20}" text-anchor="middle">${memories.toLocaleString('en')}</text>`,
  );
  const ordered = growth
    .map((slope, index) => ({ slope, colour: COLOURS[index % COLOURS.length] ?? '' }))
    .sort((a, b) => lastTime(b.slope) - lastTime(a.slope));
  let free = 0;
  const lines = ordered.map(({ slope: { operation, points, exponent }, colour }) => {
    const path = points
      .map(
        ([memories, time], index) =>
          `${index === 0 ? 'M' : 'L'}${x(memories).toFixed(1)} ${y(time).toFixed(1)}`,
      )
      .join('');
    const at = Math.max(y(points.at(-1)?.[1] ?? 1), free);
    free = at + LABEL;
    return `  <path class="line" stroke="${colour}" d="${path}"/><text x="${(edge + 10).toFixed(1)}" y="${(at + 4).toFixed(1)}"><tspan fill="${colour}">●</tspan> ${operation} (${exponent.toFixed(2)})</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Times by number of memories">`,
    '  <title>Times by number of memories; in brackets the exponent: 0 is flat, 1 is linear</title>',
    '  <style>text{font:12px system-ui,sans-serif;fill:#334155}.grid{stroke:#94a3b8;stroke-opacity:.4}.line{fill:none;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#cbd5e1}}</style>',
    ...rows,
    ...columns,
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function lastTime({ points }: Results['growth'][number]): number {
  return points.at(-1)?.[1] ?? 0;
}
