/** One command and what it printed. */
export interface Turn {
  /** What stands before the command, for example the name of the machine. */
  readonly prompt: string;
  readonly command: string;
  readonly output: string;
}

const COLUMNS = 92;
const FONT_SIZE = 14;
const LINE = 20;
const CHARACTER = 8.43;
const MARGIN = 18;
const BAR = 34;
/** Time between two lines, and the pause before a command. */
const LINE_SECONDS = 0.12;
const PAUSE_SECONDS = 1.1;

/**
 * A recording of a terminal as an SVG picture. The lines appear one after the other, without a script; where the reader
 * wants less motion, all of them are there at once. Light or dark follows the reader's choice.
 */
export function terminalSvg(title: string, turns: readonly Turn[]): string {
  const lines = turns.flatMap(linesOf);
  const width = Math.round(COLUMNS * CHARACTER + 2 * MARGIN);
  const height = BAR + lines.length * LINE + MARGIN + 8;
  let at = 0.4;
  const texts = lines.map(({ text, kind }, index) => {
    at += kind === 'command' ? PAUSE_SECONDS : LINE_SECONDS;
    const y = BAR + 8 + (index + 1) * LINE;
    return `  <text class="line ${kind}" x="${MARGIN}" y="${y}" style="animation-delay:${at.toFixed(2)}s">${escape(text)}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(title)}">`,
    `  <title>${escape(title)}</title>`,
    `  <style>${STYLE}</style>`,
    `  <rect class="window" width="${width}" height="${height}" rx="10" />`,
    ...['#e5534b', '#d9a441', '#57ab5a'].map(
      (colour, index) => `  <circle cx="${20 + index * 20}" cy="18" r="6" fill="${colour}" />`,
    ),
    ...texts,
    '</svg>',
    '',
  ].join('\n');
}

const STYLE = [
  `text{font:${FONT_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:pre;fill:#24313f}`,
  '.window{fill:#f6f8fa;stroke:#d0d7de}.command{font-weight:600;fill:#1f5f99}',
  '.line{opacity:0;animation:show .01s forwards}@keyframes show{to{opacity:1}}',
  '@media (prefers-color-scheme:dark){.window{fill:#161b22;stroke:#30363d}text{fill:#c9d1d9}.command{fill:#79b8f0}}',
  '@media (prefers-reduced-motion:reduce){.line{opacity:1;animation:none}}',
].join('');

interface Line {
  readonly text: string;
  readonly kind: 'command' | 'output';
}

function linesOf({ prompt, command, output }: Turn): Line[] {
  const printed = output
    .trimEnd()
    .split('\n')
    .flatMap(wrap)
    .map((text): Line => ({ text, kind: 'output' }));
  return [{ text: `${prompt} $ ${command}`, kind: 'command' }, ...printed, { text: '', kind: 'output' }];
}

function wrap(line: string): string[] {
  if (line.length <= COLUMNS) return [line];
  const space = line.lastIndexOf(' ', COLUMNS);
  const end = space > COLUMNS / 2 ? space : COLUMNS;
  return [line.slice(0, end), ...wrap(`  ${line.slice(end).trimStart()}`)];
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
