import { spawnSync } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { beforeAll, describe, expect, test } from 'vitest';
import { assembleReplica } from '../../src/store/worker/client.ts';
import { idOf, snapshotOf } from '../contract/replica/use-replicas.ts';
import { bundleProgram } from '../helpers/bundle.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';

/** Evenly spread over all statements, the first and the last among them. */
const KILLS = 8;

let program: string;

beforeAll(async () => {
  program = await bundleProgram('helpers/killed-applier.ts');
});

/** A store with memories of all kinds, and an older snapshot of it. */
async function prepare(): Promise<{ dataDir: string; snapshotFile: string }> {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const other = openSqliteStore(join(folder, 'other'));
  const store = openSqliteStore(dataDir);
  await other.add([1, 2, 3, 4].map((number) => draft(`other ${number}`, { id: idOf(number) })));
  await other.delete([idOf(4)]);
  const snapshotFile = join(folder, 'snapshot');
  writeFileSync(snapshotFile, serialize(await snapshotOf(assembleReplica(other.replica))));
  await store.add([3, 4, 5, 6].map((number) => draft(`own ${number}`, { id: idOf(number) })));
  await store.update(idOf(5), { text: 'own 5 changed' });
  await store.delete([idOf(6)]);
  await Promise.all([store.close(), other.close()]);
  return { dataDir, snapshotFile };
}

function run(
  { dataDir, snapshotFile }: { dataDir: string; snapshotFile: string },
  how: string,
  killAt: number,
): { signal: string | null; statements: number } {
  const { signal, stdout } = spawnSync(
    process.execPath,
    [program, dataDir, snapshotFile, how, String(killAt)],
    { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
  );
  return { signal, statements: Number(stdout) };
}

/** The store after the next program has begun its work. Machine ids are left out, because they are random. */
async function stateOf(dataDir: string): Promise<unknown> {
  const store = openSqliteStore(dataDir);
  await store.replica.finishMerge();
  const { contentDigest, clock, live, trash, conflicts } = await store.replica.identity();
  const writes = Object.values(clock).sort((a, b) => a - b);
  const { problems } = await store.checkIntegrity();
  await store.close();
  return { contentDigest, writes, live, trash, conflicts, problems };
}

describe('a process that dies by SIGKILL before any statement', { timeout: 120_000 }, () => {
  test.each(['merge', 'merge in steps', 'restore', 'identity'])(
    'of a %s leaves the old state or the new one',
    async (how) => {
      const { dataDir, snapshotFile } = await prepare();
      const before = await stateOf(dataDir);
      const finished = `${dataDir}-finished`;
      cpSync(dataDir, finished, { recursive: true });
      const { signal, statements } = run({ dataDir: finished, snapshotFile }, how, 0);
      expect(signal).toBeNull();
      const after = (await stateOf(finished)) as { contentDigest: string; problems: string[] };
      expect(after).not.toEqual(before);
      expect(after.problems).toEqual([]);
      expect(statements).toBeGreaterThan(KILLS);
      for (let kill = 0; kill < KILLS; kill += 1) {
        const killAt = 1 + Math.round((kill * (statements - 1)) / (KILLS - 1));
        const copy = `${dataDir}-${kill}`;
        cpSync(dataDir, copy, { recursive: true });
        expect(run({ dataDir: copy, snapshotFile }, how, killAt).signal).toBe('SIGKILL');
        const seen = (await stateOf(copy)) as typeof after;
        const isOld = JSON.stringify(seen) === JSON.stringify(before);
        // The trash of a restore has the time at which it ran; the digest of what is shown has not.
        if (!isOld) expect(seen).toEqual(after);
        if (isOld) expect(run({ dataDir: copy, snapshotFile }, how, 0).signal).toBeNull();
        expect(await stateOf(copy)).toEqual(after);
      }
    },
  );
});
