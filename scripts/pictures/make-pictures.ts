// Makes the pictures of README and docs from the built program and a real browser, so that they show what is there.
//   npm run pictures              all pictures, in docs/pictures
//   npm run pictures -- --check   only looks whether the page has changed since they were made
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { Machine, send } from './running-server.ts';
import { terminalSvg } from './terminal-svg.ts';

const FOLDER = 'docs/pictures';
const SOURCES = join(FOLDER, 'sources.json');
const SIZE = { width: 1180, height: 760 };
const home = mkdtempSync(join(tmpdir(), 'faiss-memory-pictures-'));

async function main(): Promise<void> {
  if (process.argv.includes('--check')) {
    process.exitCode = isCurrent() ? 0 : 1;
    if (process.exitCode === 1)
      console.error('The page has changed since its pictures were made: npm run pictures');
    return;
  }
  mkdirSync(FOLDER, { recursive: true });
  try {
    writeFileSync(join(FOLDER, 'terminal.svg'), recordTerminal());
    await photographPage();
    writeFileSync(SOURCES, `{ "page": "${hashOfPage()}" }\n`);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** True when the pictures are of the page that is in the sources now. */
function isCurrent(): boolean {
  if (!existsSync(SOURCES)) return false;
  const { page } = JSON.parse(readFileSync(SOURCES, 'utf8')) as { page: string };
  return page === hashOfPage();
}

/** Over what the page looks like: its components and its styles. */
function hashOfPage(): string {
  const hash = createHash('sha256');
  for (const name of readdirSync('src/ui', { recursive: true, encoding: 'utf8' }).sort()) {
    if (/\.(tsx|css|svg|html)$/.test(name)) hash.update(name).update(readFileSync(join('src/ui', name)));
  }
  return hash.digest('hex');
}

function recordTerminal(): string {
  const sync = {
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_PROVIDER: 'folder',
    CLOUD_SYNC_BUCKET: join(home, 'bucket'),
    CLOUD_SYNC_MODE: 'merge',
    CLOUD_SYNC_PASSPHRASE: 'seven tired herons cross the harbour',
  };
  const machines = { laptop: join(home, 'laptop'), desktop: join(home, 'desktop') };
  for (const folder of [...Object.values(machines), sync.CLOUD_SYNC_BUCKET]) mkdirSync(folder);
  mkdirSync(join(machines.laptop, '.cursor'));
  const laptop = new Machine(machines.laptop, sync);
  const desktop = new Machine(machines.desktop, sync);
  const turn = (machine: Machine, prompt: string, args: readonly string[], keep = 6) => {
    const command = ['faiss-memory', ...args.map((word) => (/\s/.test(word) ? `"${word}"` : word))].join(' ');
    const lines = machine
      .run(...args)
      .replaceAll(machines.laptop, '~')
      .replaceAll(machines.desktop, '~')
      .split('\n');
    return {
      prompt,
      command,
      output: lines
        .filter((line) => line !== '')
        .slice(0, keep)
        .join('\n'),
    };
  };
  laptop.run('init', '--yes');
  return terminalSvg('faiss-memory in a terminal: store, search, sync two machines', [
    turn(laptop, 'laptop', ['add', 'Marta is allergic to hazelnuts', '--tag', 'people']),
    turn(laptop, 'laptop', ['add', 'On Fridays nothing is released', '--tag', 'work']),
    turn(laptop, 'laptop', ['search', 'food that Marta must avoid', '--limit', '1']),
    turn(laptop, 'laptop', ['sync', 'push']),
    turn(desktop, 'desktop', ['sync', 'pull']),
    turn(desktop, 'desktop', ['search', 'may I deploy on Friday?', '--limit', '1']),
  ]);
}

async function photographPage(): Promise<void> {
  const bucket = join(home, 'shared');
  mkdirSync(bucket);
  const sync = { CLOUD_SYNC_ENABLED: 'true', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: bucket };
  const here = new Machine(mkdtempSync(join(home, 'here-')), sync);
  const there = new Machine(mkdtempSync(join(home, 'there-')), sync);
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  try {
    const [address, other] = [await here.serve(), await there.serve()];
    await fill(address, other);
    await eachScheme(browser, address);
  } finally {
    await browser.close();
    await here.stop();
    await there.stop();
  }
}

/** The notes of the demo with tags, and a memory that two machines have changed. */
async function fill(address: string, other: string): Promise<void> {
  const notes = readFileSync('examples/demo/notes.txt', 'utf8').trim().split('\n');
  const door = { text: 'The door code of the workshop is 4711', tags: ['home'] };
  const { id } = await send('POST', `${other}/memory/add`, door);
  await send('POST', `${other}/sync/upload`);
  await send('POST', `${address}/sync/download`);
  await send('PATCH', `${other}/memory/${String(id)}`, { text: 'The door code of the workshop is 4712' });
  await send('PATCH', `${address}/memory/${String(id)}`, { text: 'The door code of the workshop is 5020' });
  await send('POST', `${other}/sync/upload`);
  await send('POST', `${address}/sync/download`);
  for (const text of notes) await send('POST', `${address}/memory/add`, { text, source: 'notes' });
  await send('POST', `${address}/sync/upload`);
  for (let pending = 1; pending > 0;) {
    await sleep(500);
    const { embedding } = await send('GET', `${address}/stats`);
    pending = (embedding as { pending: number }).pending;
  }
}

/** With the heading that is to be at the top, where it is not the first one. */
const VIEWS: readonly (readonly [picture: string, view: string, heading?: string])[] = [
  ['search', 'memories?query=why%20are%20there%20double%20rows%20in%20spring%20and%20autumn'],
  ['map', 'picture', 'Map by meaning'],
  ['conflict', 'conflicts'],
  ['sync', 'sync'],
];

async function eachScheme(browser: Browser, address: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({ viewport: SIZE, colorScheme, deviceScaleFactor: 1 });
    const page = await context.newPage();
    for (const [picture, view, heading] of VIEWS) {
      await page.goto(`${address}/#/${view}`);
      await settled(page);
      if (heading !== undefined) await bringToTop(page, heading);
      await page.screenshot({ path: join(FOLDER, `${picture}-${colorScheme}.png`) });
    }
    await restoreDialog(page, address);
    await page.screenshot({ path: join(FOLDER, `restore-${colorScheme}.png`) });
    await context.close();
  }
}

async function bringToTop(page: Page, heading: string): Promise<void> {
  const place = await page.getByRole('heading', { name: heading }).boundingBox();
  await page.mouse.move(5, 300);
  await page.mouse.wheel(0, (place?.y ?? 0) - 70);
  await settled(page);
}

async function restoreDialog(page: Page, address: string): Promise<void> {
  await page.goto(`${address}/#/sync`);
  await settled(page);
  await page
    .getByRole('button', { name: /^Restore/ })
    .last()
    .click();
  await page.getByRole('dialog').waitFor();
  await settled(page);
}

/** Nothing more is loaded, and nothing moves. */
async function settled(page: Page): Promise<void> {
  await page.waitForLoadState('networkidle');
  await sleep(700);
}

await main();
