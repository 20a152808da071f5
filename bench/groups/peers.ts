import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode as countable } from 'gpt-tokenizer/encoding/o200k_base';
import { reasonOf } from '../../src/util/caught.ts';
import { randomNumbers } from '../lib/filled-app.ts';
import { mean, percentile } from '../lib/metrics.ts';
import { ms, type Report, times } from '../lib/row.ts';
import { randomSentence } from '../lib/sentences.ts';
import { ServerProcess } from '../lib/server-process.ts';

/** One memory server that clients start by stdio, and how it is asked to do the same work. */
interface Peer {
  readonly name: string;
  /** Exact version on npm; absent = the built program. */
  readonly version?: string;
  /** Program and arguments below the folder of packages. */
  readonly command?: (packages: string) => readonly string[];
  readonly env: (folder: string) => Readonly<Record<string, string>>;
  readonly add: (
    text: string,
    number: number,
  ) => readonly [tool: string, parameters: Record<string, unknown>];
  readonly search: (query: string) => readonly [tool: string, parameters: Record<string, unknown>];
}

const OWN: Peer = {
  name: 'faiss-memory',
  env: (folder) => ({ MEMORY_DATA_DIR: folder, MEMORY_EMBEDDING_RUNTIME: 'wasm' }),
  add: (text) => ['memory_add', { memories: [{ text }] }],
  search: (query) => ['memory_search', { query, limit: 5 }],
};

/** The same without a model, which is the work that the others do. */
const BY_WORDS: Peer = {
  ...OWN,
  env: (folder) => ({ MEMORY_DATA_DIR: folder, MEMORY_EMBEDDING_PROVIDER: 'none' }),
};

const OTHERS: readonly Peer[] = [
  {
    name: '@modelcontextprotocol/server-memory',
    version: '2026.8.31',
    command: (packages) => [join(packages, '@modelcontextprotocol', 'server-memory', 'dist', 'index.js')],
    env: (folder) => ({ MEMORY_FILE_PATH: join(folder, 'memory.jsonl') }),
    add: (text, number) => [
      'create_entities',
      { entities: [{ name: `note ${number}`, entityType: 'note', observations: [text] }] },
    ],
    search: (query) => ['search_nodes', { query }],
  },
  {
    name: '@ai-devkit/memory',
    version: '0.20.1',
    command: (packages) => [join(packages, '@ai-devkit', 'memory', 'dist', 'index.js')],
    env: (folder) => ({ HOME: folder, USERPROFILE: folder }),
    add: (text, number) => [
      'memory_storeKnowledge',
      // It takes no content of fewer than 50 characters.
      {
        title: `Note number ${number} of the list`,
        content: `${text} (note ${number} of a long list of notes)`,
      },
    ],
    search: (query) => ['memory_searchKnowledge', { query, limit: 5 }],
  },
];

interface Fact {
  readonly text: string;
  readonly question: string;
}

const { facts } = JSON.parse(readFileSync(join('bench', 'data', 'facts.json'), 'utf8')) as { facts: Fact[] };
const PACKAGES = join('.cache', 'bench-peers');
/** Packages that compile when they are installed, so they may not be had everywhere. Newer versions of npm want a permission. */
const COMPILED = { 'better-sqlite3': true };
const INSTALL_LIMIT_MS = 300_000;
const MEMORIES = 300;
const ROUNDS = 5;

interface Measured {
  readonly start: number;
  readonly add: number;
  readonly search: number;
  readonly rss: number;
  readonly toolTokens: number;
  readonly answerTokens: number;
  /** Part of the questions whose fact is in the answer. */
  readonly found: number;
}

/** Other memory servers on the same work, one process after the other. */
export async function peerRows(report: Report): Promise<void> {
  const own = { byWords: await measure(BY_WORDS, ''), whole: await measure(OWN, '') };
  for (const peer of OTHERS) {
    const problem = install(peer);
    if (problem !== undefined) {
      console.error(`skip ${peer.name}: ${problem}`);
      continue;
    }
    const other = await measure(peer, join(PACKAGES, 'node_modules')).catch((error: unknown) => {
      console.error(`skip ${peer.name}: ${reasonOf(error)}`);
    });
    if (other !== undefined) compare({ own, other, name: `${peer.name} ${peer.version ?? ''}` }, report);
  }
}

/** @returns why it cannot be measured; undefined when it can */
function install(peer: Peer): string | undefined {
  const [program = ''] = peer.command?.(join(PACKAGES, 'node_modules')) ?? [];
  mkdirSync(PACKAGES, { recursive: true });
  const manifest = join(PACKAGES, 'package.json');
  if (!existsSync(manifest))
    writeFileSync(manifest, JSON.stringify({ private: true, allowScripts: COMPILED }));
  if (!existsSync(program)) {
    const wanted = `${peer.name}@${peer.version ?? ''}`;
    const parameters = ['install', '--prefix', PACKAGES, '--no-audit', '--no-fund', wanted];
    const { status, stderr } = spawnSync('npm', parameters, { encoding: 'utf8', timeout: INSTALL_LIMIT_MS });
    if (status !== 0)
      return `npm could not install it: ${stderr.trim().split('\n')[0] ?? 'it took too long'}`;
  }
  return undefined;
}

async function measure(peer: Peer, packages: string): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'faiss-memory-bench-'));
  try {
    return await measureIn(folder, peer, packages);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureIn(folder: string, peer: Peer, packages: string): Promise<Measured> {
  const command = peer.command?.(packages);
  const open = (): ServerProcess => new ServerProcess(peer.env(folder), command && [...command]);
  const starts: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const began = performance.now();
    const process = open();
    await process.initialize();
    starts.push(performance.now() - began);
    await process.end();
  }
  const server = open();
  try {
    await server.initialize();
    return await workOf(peer, server, percentile(starts, 50));
  } finally {
    await server.end();
  }
}

async function workOf(peer: Peer, server: ServerProcess, start: number): Promise<Measured> {
  const { tools } = (await server.request('tools/list', {})) as { tools: unknown };
  const random = randomNumbers(17);
  const others = Array.from({ length: MEMORIES }, () => randomSentence(random));
  const texts = [...others, ...facts.map(({ text }) => text)];
  const add = await times(texts.length, (number) => call(server, peer.add(texts[number] ?? '', number)));
  const answers: string[] = [];
  const search = await times(facts.length, async (number) => {
    answers.push(await call(server, peer.search(facts[number]?.question ?? '')));
  });
  const found = facts.map(({ text }, place) => ((answers[place] ?? '').includes(text.slice(0, 30)) ? 1 : 0));
  return {
    start,
    add: percentile(add, 50),
    search: percentile(search, 50),
    rss: server.rss,
    toolTokens: countable(JSON.stringify(tools)).length,
    answerTokens: mean(answers.map((answer) => countable(answer).length)),
    found: mean(found),
  };
}

/** @returns the text of the answer @throws Error when the tool refuses */
async function call(
  server: ServerProcess,
  [tool, parameters]: readonly [string, Record<string, unknown>],
): Promise<string> {
  const { content, isError } = (await server.call(tool, parameters)) as {
    content?: { text?: string }[];
    isError?: boolean;
  };
  const text = (content ?? []).map((part) => part.text ?? '').join('\n');
  if (isError === true || content === undefined) throw new Error(`${tool} failed: ${text}`);
  return text;
}

interface Comparison {
  readonly own: { readonly byWords: Measured; readonly whole: Measured };
  readonly other: Measured;
  readonly name: string;
}

/** Times and memory are those of a search by words, as the other does it; what is found and its cost are of the whole. */
function compare({ own: { byWords, whole }, other, name }: Comparison, report: Report): void {
  const part = (value: number): string => value.toFixed(2);
  report({
    what: `${facts.length} questions among ${MEMORIES} other memories, fact in the answer`,
    measured: `${part(whole.found)}; by words ${part(byWords.found)}`,
    budget: 'not below it',
    reference: `${name}: ${part(other.found)}`,
    ok: whole.found >= other.found,
  });
  const row = (
    what: string,
    [measured, reference]: readonly [own: number, other: number],
    { show, factor }: { readonly show: (value: number) => string; readonly factor: number },
  ): void => {
    const ratio = measured / reference;
    report({
      what,
      measured: `${show(measured)}, ${ratio.toFixed(2)} x`,
      budget: `${factor} x`,
      reference: `${name}: ${show(reference)}`,
      ok: ratio <= factor,
    });
  };
  const tokens = (value: number): string => (Number.isFinite(value) ? value.toFixed(0) : 'finds none');
  const megabytes = (value: number): string => `${value.toFixed(0)} MB`;
  row('spawn to initialize answered', [byWords.start, other.start], { show: ms, factor: 1 });
  // Ours is on the disk before it is acknowledged.
  row('add of one memory, by words, p50', [byWords.add, other.add], { show: ms, factor: 8 });
  row('search by words, p50', [byWords.search, other.search], { show: ms, factor: 6 });
  row('resident memory, by words', [byWords.rss, other.rss], { show: megabytes, factor: 2 });
  row('tools/list, tokens', [whole.toolTokens, other.toolTokens], { show: tokens, factor: 5 });
  const costs = [whole, other].map(({ answerTokens, found }) => answerTokens / found);
  row('tokens of answers for each fact found', [costs[0] ?? NaN, costs[1] ?? NaN], {
    show: tokens,
    factor: 1.5,
  });
}
