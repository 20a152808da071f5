import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorSentence } from '../../src/api/errors.ts';
import { searchNote } from '../../src/api/memory-answers.ts';
import { missingText } from '../../src/cli/command.ts';
import { describeStatus } from '../../src/cli/describe-sync.ts';
import type { Host } from '../../src/cli/host.ts';
import { Output } from '../../src/cli/output.ts';
import { memoryBrief, table } from '../../src/cli/render.ts';
import { describePush, pruneOutcome, snapshotsOutcome } from '../../src/cli/snapshot-output.ts';
import { EmbeddingUnavailableError } from '../../src/errors/embedding-errors.ts';
import { ConfigurationError, InvalidInputError, NotFoundError } from '../../src/errors/input-errors.ts';
import { createLogger } from '../../src/logger.ts';
import { boundAnswer } from '../../src/api/answer-size.ts';
import { partData, partOf } from '../../src/api/memory-parts.ts';
import { renderPart } from '../../src/mcp/shown-memories.ts';
import {
  renderAdded,
  renderDeleted,
  renderPage,
  renderRestore,
  renderHit,
  renderSearch,
  renderStatus,
  renderUpload,
} from '../../src/mcp/render.ts';
import type { AddResult, SearchHit } from '../../src/memory/memory-api.ts';
import type { MemoryWithHistory } from '../../src/memory/memory.ts';
import type { PushResult, SyncStatus } from '../../src/sync/sync-api.ts';
import { toProblem } from '../../src/http/problem.ts';
import { visibleJson } from '../../src/util/visible-text.ts';
import { TimeZone } from '../../src/util/time-zone.ts';
import { changes, NOON, snapshot, syncStatus } from '../helpers/fake-services.ts';
import { hostileText } from '../helpers/hostile-text.ts';

const zone = new TimeZone('UTC');
/** Anything but the line feed that would end a line, move the cursor or hide. */
const HIDING =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2060-\u2069\uFEFF\u00AD\u061C\u200E\u200F]/u;

function memoryNamed(name: string, text = 'plain'): MemoryWithHistory {
  const content = { text, tags: [name, 'plain'], source: name, metadata: { [name]: name } };
  const times = { createdAt: NOON, updatedAt: NOON };
  const dot = { machine: 'here', n: 1 };
  return {
    ...content,
    ...times,
    ...{ id: '0198c0de-0000-7000-8000-000000000001', state: 'live', dot, versionCount: 1, conflict: false },
    history: [{ ...content, ...times, role: 'current', state: 'live', dot }] as MemoryWithHistory['history'],
  };
}

function hitNamed(name: string): SearchHit {
  return {
    memory: memoryNamed(name),
    ...{ snippet: 'plain', snippetTruncated: false, score: 1, similarity: null },
    ...{ wordRank: 1, vectorRank: null, byNeighbours: false, bySingleWords: false, matchedWords: [name] },
    ...{ inPeriod: false, isSuperseded: false, isOtherProject: false },
  };
}

function addedNamed(name: string): AddResult {
  return {
    memory: memoryNamed(name),
    outcome: 'added',
    gained: [name, `metadata.${name}`],
    twin: { id: name, differs: [name] },
    similar: [{ id: name, text: 'plain', similarity: 0.9 }],
    similarChecked: true,
    masked: [],
  };
}

function statusNamed(name: string): SyncStatus {
  const problem = { code: 'BLOB_STORE', message: name, fix: name, at: NOON };
  const one = {
    machine: name,
    own: false,
    snapshots: 1,
    order: null,
    clock: {},
    rolledBack: false,
    lastSeen: null,
  };
  return syncStatus({
    location: name,
    machine: name,
    machines: [{ ...one, newest: snapshot({ name, machine: name }), problem }],
    lastPush: { value: { snapshot: name }, at: NOON },
    problem,
    warnings: [name],
  });
}

function pushNamed(name: string): PushResult {
  const pushed = { outcome: 'pushed', snapshot: snapshot({ name }), snapshotsPushed: 1, bytes: 1 };
  return { ...pushed, skipped: [name] } as unknown as PushResult;
}

const restored = (name: string) => ({
  mode: 'merge' as const,
  snapshots: [snapshot({ name })],
  changes: changes({ removed: { count: 1, examples: [{ id: name, text: 'plain' }] }, applied: false }),
  undo: snapshot({ name }),
  warnings: [name],
});

const made = (name: string) => ({
  outcome: 'written' as const,
  snapshot: snapshot({ name }),
  bytesWritten: 1,
});

/** Whatever shows a name to a person: the same number of lines with every name. */
const FOR_PEOPLE: Readonly<Record<string, (name: string) => string | Promise<string>>> = {
  'a memory': (name) => memoryBrief(memoryNamed(name, name), zone, 80),
  'a table': (name) =>
    table([
      ['A', name, 'B'],
      [name, 'x'],
    ]),
  'the state of sync': (name) => describeStatus(statusNamed(name), { now: NOON, zone }),
  'a list of snapshots': (name) =>
    snapshotsOutcome([snapshot({ name, machine: name, own: false })], {
      name: 'backups',
      where: 'here',
      zone,
    }).text,
  'removed snapshots': (name) =>
    pruneOutcome({
      ...{ dropped: [snapshot({ name })], deletedObjects: 0, deletedBytes: 0, leftObjects: 0 },
      appendOnly: false,
    }).text,
  'an upload': (name) => describePush(pushNamed(name)),
  'a backlog': (name) => missingText({ pending: 1, problem: name, stopped: false, fix: 'x' }).join('\n'),
  'an error': (name) => printed((output) => output.error(new EmbeddingUnavailableError(name))),
  'a strange error': (name) => printed((output) => output.error(new Error(name))),
  'a wrong field': (name) =>
    printed((output) => output.error(new InvalidInputError('source', `is "${name}"`, 'allowed is another'))),
  'a wrong setting': (name) =>
    printed((output) =>
      output.error(new ConfigurationError([{ key: name, problem: name, source: name, allowed: name }])),
    ),
  'an entry of the log': (name) => logged('text', name),
  'an entry of the log as JSON': (name) => logged('json', name),
  'JSON with spaces': (name) =>
    visibleJson({ name, [name]: 1, problem: toProblem(new NotFoundError([name]), '') }, 2),
};

async function printed(act: (output: Output) => Promise<void>): Promise<string> {
  const stderr = Object.assign(new PassThrough(), { isTTY: false });
  const stdout = Object.assign(new PassThrough(), { columns: 80 });
  const host = { stderr, stdout } as unknown as Host;
  await act(new Output(host, { json: false }));
  return String(stderr.read() ?? '').replace(/\n$/, '');
}

function logged(format: 'text' | 'json', name: string): string {
  let entries = '';
  const write = (line: string): void => void (entries += line);
  const logger = createLogger({ level: 'debug', format, write, now: () => NOON });
  logger.error(name, { name }, new EmbeddingUnavailableError(name, { cause: new Error(name) }));
  return entries.replace(/stack=.*/, '').replace(/\n$/, '');
}

/** The same for models, where the rest of each line is quoted. */
const FOR_MODELS: Readonly<Record<string, (name: string) => string>> = {
  hits: (name) => {
    const response = {
      hits: [hitNamed(name)],
      mode: 'keyword' as const,
      note: '',
      weak: false,
      bestTokenMatch: null,
    };
    return renderSearch(
      response.hits.map((hit) => renderHit(hit, zone)),
      searchNote(response),
      zone,
    );
  },
  'a page': (name) => renderPage({ memories: [memoryNamed(name)], total: 1 }, { zone }),
  'a memory': (name) => renderPart(partOf([memoryNamed(name)], undefined), zone),
  'what was added': (name) => renderAdded(addedNamed(name)),
  'what would be deleted': (name) =>
    renderDeleted({ dryRun: true, count: 1, examples: [memoryNamed(name)] }, zone),
  'the state of sync': (name) =>
    renderStatus({ status: statusNamed(name), from: 'remote', snapshots: [snapshot({ name })] }, NOON),
  'an upload': (name) => renderUpload(made(name), pushNamed(name)),
  'a restore': (name) => renderRestore(restored(name)),
  'an error': (name) => errorSentence(new EmbeddingUnavailableError(name)),
  'a wrong setting': (name) =>
    errorSentence(new ConfigurationError([{ key: name, problem: name, source: name, allowed: name }])),
};

const linesOf = (text: string): number => text.split('\n').length;

describe('whatever a name holds, people see as many lines as for a plain one:', () => {
  test.each(Object.entries(FOR_PEOPLE))('%s', async (_, show) => {
    await fc.assert(
      fc.asyncProperty(hostileText, async (name) => {
        const shown = await show(`a${name}`);
        expect(shown).not.toMatch(HIDING);
        expect(linesOf(shown)).toBe(linesOf(await show('ab')));
      }),
      { numRuns: 60 },
    );
  });
});

describe('whatever a name holds, models read as many lines as for a plain one:', () => {
  test.each(Object.entries(FOR_MODELS))('%s', (_, render) => {
    fc.assert(
      fc.property(hostileText, (name) => {
        const { text } = boundAnswer({ text: render(`a${name}`), data: {} });
        expect(text).not.toMatch(HIDING);
        expect(linesOf(text)).toBe(linesOf(render('ab')));
      }),
      { numRuns: 60 },
    );
  });

  test('the data of an answer hides nothing, and keeps every member', () => {
    fc.assert(
      fc.property(hostileText, (name) => {
        const whole = {
          [`a${name}`]: 1,
          [`a\u200b${name}`]: 2,
          memories: partData(partOf([memoryNamed(name)], undefined)),
        };
        const { data } = boundAnswer({ text: '', data: whole });
        expect(Object.keys(data)).toHaveLength(Object.keys(whole).length);
        // JSON escapes what ends a line.
        expect(JSON.stringify(data)).not.toMatch(HIDING);
      }),
      { numRuns: 60 },
    );
  });
});
