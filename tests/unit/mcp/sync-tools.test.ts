import { Client } from '@modelcontextprotocol/client';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { InMemoryTransport } from '@modelcontextprotocol/server';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { RestoreRequest, RestoreResult, WorkOptions } from '../../../src/backup/backup-api.ts';
import { BlobStoreError, SyncOffError } from '../../../src/errors/remote-errors.ts';
import { createLogger } from '../../../src/logger.ts';
import { buildServer } from '../../../src/mcp/server.ts';
import {
  changeList,
  changes,
  type FakeServices,
  fakeServices,
  heldMerge,
  NOON,
  snapshot,
  syncStatus,
} from '../../helpers/fake-services.ts';

interface Connected {
  readonly client: Client;
  /** Texts of failures that were logged. */
  readonly logged: string[];
  readonly questions: string[];
}

async function connect(services: FakeServices, agree?: boolean): Promise<Connected> {
  const logged: string[] = [];
  const logger = createLogger({ level: 'error', write: (line) => logged.push(line) });
  const server = buildServer({ open: () => Promise.resolve(services), logger });
  const capabilities = agree === undefined ? {} : { elicitation: {} };
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  const questions: string[] = [];
  if (agree !== undefined) {
    client.setRequestHandler('elicitation/create', ({ params }) => {
      questions.push(params.message);
      return { action: 'accept', content: { agree } };
    });
  }
  const [near, far] = InMemoryTransport.createLinkedPair();
  await Promise.all([server.connect(far), client.connect(near)]);
  onTestFinished(() => client.close());
  return { client, logged, questions };
}

async function call({ client }: Connected, name: string, values: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: values });
  const [content] = result.content;
  const text = content?.type === 'text' ? content.text : '';
  return { text, data: result.structuredContent, isError: result.isError === true };
}

/** Answers in turn, and remembers what was asked. */
function restoring(...results: readonly RestoreResult[]) {
  const left = [...results];
  const requests: RestoreRequest[] = [];
  const restore = (request: RestoreRequest): Promise<RestoreResult> => {
    requests.push(request);
    const result = left.shift();
    return result === undefined ? Promise.reject(new Error('one call too many')) : Promise.resolve(result);
  };
  return { requests, restore };
}

const MERGED: RestoreResult = {
  mode: 'merge',
  snapshots: [snapshot()],
  changes: changes({ added: changeList('new here') }),
  undo: snapshot({ name: 'pre_merge_20260131_120001' }),
};

describe('sync_restore', () => {
  test('merges without a question, from the remote when sync is on', async () => {
    const { requests, restore } = restoring(MERGED);
    const status = vi.fn(() => Promise.resolve(syncStatus()));
    const connected = await connect(fakeServices({ sync: { status, restore } }), true);
    const { data, text } = await call(connected, 'sync_restore', { mode: 'merge' });
    expect(requests).toEqual([{ mode: 'merge', dryRun: false, snapshot: undefined }]);
    expect(status).toHaveBeenCalledWith({ offline: true });
    expect(data).toMatchObject({ applied: true, added: 1, undo: 'pre_merge_20260131_120001' });
    expect(text).toContain(
      'Undo: sync_restore snapshot pre_merge_20260131_120001, mode replace, from local.',
    );
    expect(connected.questions).toEqual([]);
  });

  test('asks before a merge that was held back, and passes the token on', async () => {
    const { requests, restore } = restoring(heldMerge('old\n> quoted'), MERGED);
    const connected = await connect(fakeServices({ sync: { restore } }), true);
    const { data } = await call(connected, 'sync_restore', { mode: 'merge', from: 'remote' });
    expect(data).toMatchObject({ applied: true });
    expect(requests.at(-1)).toMatchObject({ mode: 'merge', confirm: 'the-token' });
    expect(connected.questions).toEqual([expect.stringContaining('> old\n> > quoted')]);
  });

  test('gives the token of a merge that was held back to a client that cannot ask', async () => {
    const { restore } = restoring(heldMerge('old'));
    const connected = await connect(fakeServices({ backup: { restore } }));
    const { data, text } = await call(connected, 'sync_restore', { mode: 'merge', from: 'local' });
    expect(data).toMatchObject({ applied: false, removed: 1, confirm: 'the-token' });
    expect(text).toMatch(/^Held back, because it removes 1 memory\./);
  });

  test('does not replace when the user says no', async () => {
    const { requests, restore } = restoring({ ...heldMerge('old'), mode: 'replace' });
    const connected = await connect(fakeServices({ backup: { restore } }), false);
    const wanted = { mode: 'replace', from: 'local', snapshot: 'x' };
    expect((await call(connected, 'sync_restore', wanted)).data).toMatchObject({ applied: false });
    expect(requests).toEqual([{ mode: 'replace', snapshot: 'x', dryRun: true }]);
  });

  test('says when there is nothing to merge', async () => {
    const { restore } = restoring({ mode: 'merge', snapshots: [], changes: null });
    const connected = await connect(fakeServices({ backup: { restore } }));
    const { text } = await call(connected, 'sync_restore', { mode: 'merge', from: 'local' });
    expect(text).toBe('Nothing to merge: everything is included here.');
  });

  test('cuts long examples and never shows more than three of a kind', async () => {
    const long = 'x'.repeat(200);
    const report = changes({
      applied: false,
      added: changeList('a', 'b', 'c', 'd'),
      removed: changeList(long),
    });
    const { restore } = restoring({
      mode: 'replace',
      snapshots: [snapshot()],
      changes: report,
      confirm: 't',
    });
    const connected = await connect(fakeServices({ backup: { restore } }));
    const wanted = { mode: 'replace', from: 'local', snapshot: 'x', dry_run: true };
    const { text } = await call(connected, 'sync_restore', wanted);
    expect(text).toContain(`> ${'x'.repeat(120)}…`);
    expect(text.match(/^added id-/gm)).toHaveLength(3);
    expect(text).toContain('4 added');
  });
});

describe('long calls', () => {
  test('report their progress with numbers that rise, step by step', async () => {
    const backup = (_: unknown, options: WorkOptions = {}) => {
      options.onProgress?.({ step: 'reading', done: 3, total: 9 });
      options.onProgress?.({ step: 'writing', done: 1 });
      return Promise.resolve({ outcome: 'written' as const, snapshot: snapshot(), bytesWritten: 10 });
    };
    const push = (): Promise<never> => Promise.reject(new SyncOffError());
    const { client } = await connect(fakeServices({ backup: { backup }, sync: { push } }));
    const progress: unknown[] = [];
    await client.callTool(
      { name: 'sync_upload' },
      { onprogress: (step) => progress.push([step.progress, step.message]) },
    );
    expect(progress).toEqual([
      [1, 'reading: 3 of 9'],
      [2, 'writing: 1'],
    ]);
  });

  test('end when the client cancels, and are no failure of ours', async () => {
    const cancel = new AbortController();
    const aborted = vi.fn();
    const backup = (_: unknown, { signal }: WorkOptions = {}): Promise<never> =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => {
          aborted();
          reject(new Error('aborted'));
        });
        cancel.abort();
      });
    const { client, logged } = await connect(fakeServices({ backup: { backup } }));
    const calling = client.callTool({ name: 'sync_upload' }, { signal: cancel.signal });
    await expect(calling).rejects.toThrow();
    // Messages arrive in order, so the cancellation was handled when this is answered.
    await client.listTools();
    expect(aborted).toHaveBeenCalledOnce();
    expect(logged).toEqual([]);
  });
});

describe('sync_upload', () => {
  const made = { outcome: 'written' as const, snapshot: snapshot(), bytesWritten: 10 };

  test('keeps the backup here when sync is off, and says so', async () => {
    const push = (): Promise<never> => Promise.reject(new SyncOffError());
    const backup = vi.fn(() => Promise.resolve(made));
    const connected = await connect(fakeServices({ backup: { backup }, sync: { push } }));
    const { data, text } = await call(connected, 'sync_upload', { name: '' });
    expect(data).toMatchObject({ uploaded: false, snapshot: 'manual_20260131_120000' });
    expect(text).toContain('data folder only');
    expect(backup).toHaveBeenCalledWith({ kind: undefined }, expect.anything());
  });

  test('says what was made when the remote refuses it', async () => {
    const details = {
      operation: 'put',
      location: 's3 memories',
      problem: 'forbidden',
      fix: 'Allow it.',
    } as const;
    const push = (): Promise<never> => Promise.reject(new BlobStoreError('access-denied', details));
    const services = fakeServices({ backup: { backup: () => Promise.resolve(made) }, sync: { push } });
    const { isError, text } = await call(await connect(services), 'sync_upload');
    expect(isError).toBe(true);
    expect(text).toMatch(
      /^BLOB_STORE: The backup manual_20260131_120000 was made on this machine, but not uploaded: .*access-denied.* Allow it\.$/,
    );
  });
});

test('no answer or question about sync is longer than clients take, whatever a remote says', async () => {
  const message = 'Der Speicher 存储 “antwortet” nicht; '.repeat(100);
  const problem = { code: 'access-denied', message, fix: message, at: NOON };
  const one = { own: false, snapshots: 1, order: null, clock: {}, rolledBack: true, lastSeen: null, problem };
  const machines = Array.from({ length: 50 }, (_, index) => ({
    ...one,
    machine: `${index}`.padStart(16, 'a'),
    newest: snapshot(),
  }));
  const many = Array.from({ length: 3_000 }, (_, index) =>
    snapshot({ name: `auto_${index}`, id: `${index}` }),
  );
  const warnings = Array.from({ length: 50 }, () => message);
  const merge: RestoreResult = { ...heldMerge(message, message), snapshots: many, warnings };
  const services = fakeServices({
    sync: {
      status: () => Promise.resolve(syncStatus({ machines, warnings, problem })),
      snapshots: () => Promise.resolve(many),
      restore: () => Promise.resolve(merge),
    },
  });
  const connected = await connect(services, false);
  const answers = [
    await call(connected, 'sync_status'),
    await call(connected, 'sync_restore', { mode: 'merge', dry_run: true }),
    await call(connected, 'sync_restore', { mode: 'merge' }),
  ];
  const sizes = answers.map(({ text, data }) => encode(text).length + encode(JSON.stringify(data)).length);
  expect(sizes.filter((size) => size > 10_000)).toEqual([]);
  expect(connected.questions.map((question) => encode(question).length > 10_000)).toEqual([false]);
});

describe('sync_status', () => {
  test('shows machines, problems with their fix, and the newest ten snapshots by usable names', async () => {
    vi.useFakeTimers({ now: NOON + 90_000, toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    const same = snapshot({ machine: 'bbbbbbbbbbbbbbbb', own: false, id: 'other', order: 'after' });
    const older = Array.from({ length: 12 }, (_, index) =>
      snapshot({ name: `auto_${index}`, id: `${index}` }),
    );
    const status = syncStatus({
      relation: 'diverged',
      unsentWrites: 2,
      machines: [
        {
          machine: same.machine,
          own: false,
          snapshots: 1,
          newest: same,
          order: 'after',
          clock: {},
          rolledBack: true,
          lastSeen: null,
          problem: null,
        },
      ],
      heldMerge: { removed: 31, lately: 0, at: NOON },
      problem: { code: 'no-bucket', message: 'There is no bucket', fix: 'Create it.', at: NOON },
    });
    const services = fakeServices({
      sync: {
        status: () => Promise.resolve(status),
        snapshots: () => Promise.resolve([...older, snapshot(), same]),
      },
    });
    const { text, data } = await call(await connect(services), 'sync_status');
    expect(text.split('\n')).toEqual([
      'Sync diverged: "s3 memories/faiss-memory/", mode backup, not encrypted; reached, observed 1 minute ago.',
      'Nothing uploaded yet, 2 changes not uploaded.',
      'A merge waits, because it removes 31 memories: sync_restore mode merge.',
      'Problem no-bucket, 1 minute ago: There is no bucket. Fix: Create it.',
      'machine bbbbbbbbbbbbbbbb: 1 snapshots; newest manual_20260131_120000, 12 memories; not included here yet; shows less than it did before',
      '10 of 14 snapshots at the remote, newest first; times in UTC:',
      'bbbbbbbbbbbbbbbb/manual_20260131_120000 2026-01-31T12:00 12 memories not included here',
      'aaaaaaaaaaaaaaaa/manual_20260131_120000 2026-01-31T12:00 12 memories',
      ...[11, 10, 9, 8, 7, 6, 5, 4].map((index) => `auto_${index} 2026-01-31T12:00 12 memories`),
    ]);
    expect(data).toMatchObject({ relation: 'diverged', problem: { code: 'no-bucket', fix: 'Create it.' } });
  });

  test('falls back to local backups when the remote goes away meanwhile', async () => {
    const gone = new BlobStoreError('unreachable', { operation: 'list', location: 'x', problem: 'gone' });
    const services = fakeServices({
      backup: { list: () => Promise.resolve([snapshot()]) },
      sync: { status: () => Promise.resolve(syncStatus()), snapshots: () => Promise.reject(gone) },
    });
    const { data, text } = await call(await connect(services), 'sync_status');
    expect(data).toMatchObject({ from: 'local', snapshots: [{ name: 'manual_20260131_120000' }] });
    expect(text).toContain('cannot be listed');
  });
});
