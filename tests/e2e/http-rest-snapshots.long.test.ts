import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type HttpClient, httpClient } from '../helpers/http-client.ts';
import { startServer } from '../helpers/http-server.ts';
import { temporaryFolder } from '../helpers/mcp/server-environment.ts';

async function start(env: Readonly<Record<string, string>> = {}): Promise<HttpClient> {
  return httpClient((await startServer({ env })).address);
}

/** With sync, and past the merge that an empty store begins with by itself. */
async function startPastEmpty(env: Readonly<Record<string, string>>): Promise<HttpClient> {
  const api = await start(env);
  const isPending = async (): Promise<boolean> => 'empty_start' in (await api.get('/sync/status')).data;
  await expect.poll(isPending).toBe(false);
  return api;
}

/** Settings of a new remote, which is a folder. */
function remote(): Record<string, string> {
  const folder = join(temporaryFolder(), 'nas');
  mkdirSync(folder);
  return { CLOUD_SYNC_ENABLED: 'on', CLOUD_SYNC_PROVIDER: 'folder', CLOUD_SYNC_BUCKET: folder };
}

async function textsOf(api: HttpClient): Promise<string[]> {
  const { memories } = (await api.get('/memories?order=oldest&limit=100')).data as {
    memories: { text: string }[];
  };
  return memories.map(({ text }) => text);
}

describe('backups', () => {
  test('are made, listed, and restored after a dry run with its token; the restore is undone', async () => {
    const api = await start();
    await api.post('/memory/add', { text: 'Ada likes tea' });
    const made = await api.post('/backup', { name: 'Before cleanup', pinned: true });
    expect(made).toMatchObject({
      status: 201,
      data: {
        outcome: 'written',
        snapshot: { memories: 1, kind: 'before_cleanup', pinned: true, own: true },
      },
    });
    const { name } = made.data['snapshot'] as { name: string };
    expect(name).toMatch(/^before_cleanup_\d{8}_\d{6}$/);
    const { backups } = (await api.get('/backups')).data;
    expect(backups).toContainEqual(made.data['snapshot']);
    await api.post('/memory/add', { text: 'a passing thought' });
    const asked = await api.post('/restore', { snapshot: name });
    expect(asked).toMatchObject({
      status: 409,
      data: {
        code: 'CONFIRMATION_NEEDED',
        title: 'Conflict',
        detail: 'It would add 0, change 0 and remove 1 memories; nothing was changed yet',
        dry_run: { mode: 'replace', applied: false, removed: 1, confirm: expect.any(String) as string },
      },
    });
    const { dry_run: plan } = asked.data as { dry_run: { confirm: string } };
    expect(await textsOf(api)).toEqual(['Ada likes tea', 'a passing thought']);
    const done = await api.post('/restore', { snapshot: name, confirm: plan.confirm });
    expect(done).toMatchObject({ status: 200, data: { applied: true, removed: 1 } });
    expect(await textsOf(api)).toEqual(['Ada likes tea']);
    const late = await api.post('/restore', { snapshot: name, confirm: plan.confirm });
    expect(late).toMatchObject({ status: 409, data: { code: 'STATE_CHANGED' } });
    // The way back, with the older name of the field.
    await api.post('/restore?confirm=true', { backup_name: done.data['undo'] });
    expect(await textsOf(api)).toEqual(['Ada likes tea', 'a passing thought']);
  });

  test('are merged, or only looked at', async () => {
    const api = await start();
    await api.post('/memory/add', { text: 'Ada likes tea' });
    const made = await api.post('/backup', {});
    const { name: snapshot } = made.data['snapshot'] as { name: string };
    await api.post('/memory/add', { text: 'a passing thought' });
    const look = await api.post('/restore', { snapshot, dry_run: true, confirm: true });
    expect(look).toMatchObject({ status: 200, data: { applied: false, removed: 1 } });
    const merged = await api.post('/restore', { snapshot, mode: 'merge', confirm: 'true' });
    expect(merged).toMatchObject({ status: 200, data: { mode: 'merge', removed: 0 } });
    expect(await textsOf(api)).toEqual(['Ada likes tea', 'a passing thought']);
  });

  test.each([
    [{}, 400, 'snapshot is missing; GET /backups lists the names'],
    [{ snapshot: 'manual_20200101_000000' }, 404, expect.stringContaining('manual_20200101_000000')],
    [{ snapshot: 'x', mode: 'Replace' }, 400, 'mode is "Replace"; allowed is one of replace, merge'],
    [
      { snapshot: 'x', snapshots: 'y' },
      400,
      'snapshots is an unknown field; allowed are snapshot, backup_name, mode, dry_run, confirm; did you mean snapshot?',
    ],
  ])('are not restored for %j', async (fields, status, detail) => {
    const api = await start();
    expect(await api.post('/restore', fields)).toMatchObject({ status, data: { detail: detail as string } });
  });
});

describe('with another passphrase', () => {
  test('backups do not look as if there were none', async () => {
    const dataDir = temporaryFolder();
    const env = { ...remote(), CLOUD_SYNC_PASSPHRASE: 'seven tired herons cross the harbour' };
    const first = await startServer({ dataDir, env });
    await httpClient(first.address).post('/memory/add', { text: 'Ada likes tea' });
    const uploaded = await httpClient(first.address).post('/sync/upload');
    await first.stop();
    const other = { ...env, CLOUD_SYNC_PASSPHRASE: 'eight other herons stay in the harbour' };
    const api = httpClient((await startServer({ dataDir, env: other })).address);
    const refused = { status: 409, data: { code: 'WRONG_PASSPHRASE' } };
    const snapshot = String(uploaded.data['snapshot']);
    expect(await api.get('/backups')).toMatchObject(refused);
    expect(await api.get('/sync/snapshots')).toMatchObject(refused);
    expect(await api.post('/restore', { snapshot })).toMatchObject(refused);
    expect(await api.post(`/sync/restore/${snapshot}`)).toMatchObject(refused);
    expect((await api.get('/sync/status')).data).toMatchObject({
      relation: 'unknown',
      problem: { code: 'WRONG_PASSPHRASE' },
    });
  });
});

describe('without a remote', () => {
  test('an upload stays here, and the rest says what to do', async () => {
    const api = await start();
    await api.post('/memory/add', { text: 'Ada likes tea' });
    expect(await api.post('/sync/upload', { name: 'weekly' })).toMatchObject({
      status: 200,
      data: { uploaded: false, snapshot: expect.stringMatching(/^weekly_/) as string },
    });
    expect((await api.get('/sync/status')).data).toMatchObject({ enabled: false, from: 'local' });
    const off = {
      status: 409,
      data: { code: 'SYNC_OFF', fix: expect.stringContaining('CLOUD_SYNC') as string },
    };
    expect(await api.get('/sync/snapshots')).toMatchObject(off);
    expect(await api.post('/sync/download')).toMatchObject(off);
    expect(await api.post('/sync/restore/any')).toMatchObject(off);
  });
});

describe('a remote', () => {
  test('gets uploads, and gives them back to another machine', async () => {
    const env = remote();
    const [one, two] = [await start(env), await startPastEmpty(env)];
    await one.post('/memory/add', { text: 'from the first machine' });
    const uploaded = await one.post('/sync/upload');
    expect(uploaded).toMatchObject({ status: 200, data: { uploaded: true, upload: 'pushed', memories: 1 } });
    expect((await one.get('/sync/status')).data).toMatchObject({ relation: 'in-sync', unsent: 0 });
    const { snapshots } = (await two.get('/sync/snapshots')).data;
    expect(snapshots).toMatchObject([{ name: uploaded.data['snapshot'], memories: 1 }]);
    const pulled = await two.post('/sync/download');
    expect(pulled).toMatchObject({ status: 200, data: { mode: 'merge', applied: true, added: 1 } });
    expect(await textsOf(two)).toEqual(['from the first machine']);
  });

  test('restores snapshots by machine/name: dry run with 409, then confirm=true or the token', async () => {
    const env = remote();
    const [one, two] = [await start(env), await startPastEmpty(env)];
    await one.post('/memory/add', { text: 'from the first machine' });
    await one.post('/sync/upload');
    const { snapshots } = (await one.get('/sync/snapshots')).data as {
      snapshots: { name: string; machine: string }[];
    };
    const [{ name, machine } = { name: '', machine: '' }] = snapshots;
    const path = `/sync/restore/${encodeURIComponent(`${machine}/${name}`)}`;
    expect(path).toContain('%2F');
    await two.post('/memory/add', { text: 'only here' });
    const asked = await two.post(path);
    expect(asked).toMatchObject({
      status: 409,
      data: { code: 'CONFIRMATION_NEEDED', dry_run: { added: 1, removed: 1, applied: false } },
    });
    const { confirm } = asked.data['dry_run'] as { confirm: string };
    // The name may be written as it is listed.
    const plain = `/sync/restore/${machine}/${name}`;
    expect(await two.post(plain)).toMatchObject({ status: 409, data: { code: 'CONFIRMATION_NEEDED' } });
    expect(await two.get(plain)).toMatchObject({ status: 405, data: { fix: 'Use POST.' } });
    expect(await two.post(`${path}?dry_run=true`)).toMatchObject({ status: 200, data: { confirm } });
    expect(await textsOf(two)).toEqual(['only here']);
    const wrong = await two.post(`${path}?confirm=${confirm.slice(1)}`);
    expect(wrong).toMatchObject({ status: 409, data: { code: 'STATE_CHANGED' } });
    const done = await two.post(`${path}?confirm=${encodeURIComponent(confirm)}`);
    expect(done).toMatchObject({ status: 200, data: { applied: true, removed: 1, added: 1 } });
    expect(await textsOf(two)).toEqual(['from the first machine']);
    await two.post('/memory/add', { text: 'only here again' });
    const merged = await two.post(`${path}?mode=merge&confirm=true`);
    expect(merged).toMatchObject({ status: 200, data: { mode: 'merge' } });
    expect(await textsOf(two)).toEqual(['from the first machine', 'only here again']);
    expect(await two.post(`${path}?confirm=true`)).toMatchObject({ status: 200, data: { removed: 1 } });
    expect(await textsOf(two)).toEqual(['from the first machine']);
  });

  describe('where other machines deleted much', () => {
    const KEPT = 25;

    /** A machine that has all memories, of which another one deleted nearly all and a third one added one. */
    async function startBehind(): Promise<HttpClient> {
      const env = remote();
      const [one, two, three] = [await start(env), await start(env), await start(env)];
      const memories = Array.from({ length: KEPT }, (_, index) => ({
        text: `memory ${index}`,
        source: 'old',
      }));
      await one.post('/memory/add-batch', { memories });
      await one.post('/sync/upload');
      for (const other of [two, three]) await other.post('/sync/download');
      const { confirm } = (await one.post('/memory/delete-by-source', { source: 'old' })).data;
      await one.post('/memory/delete-by-source', { source: 'old', confirm });
      await one.post('/sync/upload');
      await three.post('/memory/add', { text: 'from the third machine' });
      await three.post('/sync/upload');
      return two;
    }

    test('a download merges the rest, and asks', async () => {
      const api = await startBehind();
      const asked = await api.post('/sync/download');
      expect(asked).toMatchObject({
        status: 409,
        data: {
          code: 'CONFIRMATION_NEEDED',
          detail: `It would add 1, change 0 and remove ${KEPT} memories; only what would not remove many was merged yet`,
          dry_run: { added: 1, removed: KEPT },
        },
      });
      const { confirm, undo } = asked.data['dry_run'] as { confirm: string; undo: string };
      // Made before the merge, or by the server itself of the same state.
      const { backups } = (await api.get('/backups')).data;
      expect(backups).toContainEqual(expect.objectContaining({ name: undo, memories: KEPT }));
      expect(await textsOf(api)).toContain('from the third machine');
      expect((await api.get('/stats')).data['live']).toBe(KEPT + 1);
      expect((await api.get('/sync/status')).data['held_removals']).toBe(KEPT);
      const done = await api.post('/sync/download', { confirm });
      expect(done).toMatchObject({ status: 200, data: { applied: true, removed: KEPT } });
      expect(await textsOf(api)).toEqual(['from the third machine']);
    });

    test('a download with confirm=true merges all of it, and can be undone as a whole', async () => {
      const api = await startBehind();
      const done = await api.post('/sync/download?confirm=True');
      expect(done).toMatchObject({
        status: 200,
        data: { applied: true, added: 1, removed: KEPT, snapshots: [expect.anything(), expect.anything()] },
      });
      expect(await textsOf(api)).toEqual(['from the third machine']);
      await api.post('/restore?confirm=true', { snapshot: done.data['undo'] });
      expect((await api.get('/stats')).data['live']).toBe(KEPT);
      expect(await textsOf(api)).not.toContain('from the third machine');
    });
  });

  test('that has no such snapshot says so', async () => {
    const api = await start(remote());
    expect(await api.post('/sync/restore/none%2Fmanual_20200101_000000')).toMatchObject({
      status: 404,
      data: { code: 'SNAPSHOT_NOT_FOUND' },
    });
  });

  test('that cannot be reached is a bad gateway, and what was made stays here', async () => {
    const api = await start({
      CLOUD_SYNC_ENABLED: 'on',
      CLOUD_SYNC_PROVIDER: 'folder',
      CLOUD_SYNC_BUCKET: join(temporaryFolder(), 'not there'),
    });
    await api.post('/memory/add', { text: 'Ada likes tea' });
    const answer = await api.post('/sync/upload');
    expect(answer).toMatchObject({ status: 502, data: { code: 'BLOB_STORE' } });
    expect((await api.get('/backups')).data['backups']).toHaveLength(1);
    expect((await api.get('/sync/status')).data).toMatchObject({
      from: 'local',
      problem: { code: 'no-bucket' },
    });
  });
});
