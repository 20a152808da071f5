import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { startBucketServer, type BucketServer, type TestBucket } from '../helpers/sync/bucket-server.ts';
import { SyncMachine, type MachineRun } from '../helpers/sync/sync-machine.ts';

const PASSPHRASE = 'zebra-quartz-passphrase-4711';
const WRONG_PASSPHRASE = 'yodel-walnut-passphrase-0815';
const WRONG_SECRET = 'wrong-secret-key-9f8e7d6c5b4a';

/** What a memory holds, each a word that stands nowhere else. */
const content = { text: 'Plimsoll', tag: 'quagga', source: 'velociped', metadata: 'xylophone' };

let server: BucketServer;
let bucket: TestBucket;
let folder: string;

beforeAll(async () => {
  server = await startBucketServer([versitygw]);
  bucket = await server.createBucket();
  folder = mkdtempSync(join(tmpdir(), 'faiss-memory-secrecy-'));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** Which of the words stand in the bytes, in any of the usual forms. */
function found(words: readonly string[], bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  return words.filter(
    (word) =>
      buffer.includes(word) ||
      buffer.includes(Buffer.from(word).toString('base64').slice(0, -4)) ||
      buffer.includes(Buffer.from(word, 'utf16le')),
  );
}

describe('with a passphrase', { timeout: 120_000 }, () => {
  const sensitive = [...Object.values(content), PASSPHRASE, WRONG_PASSPHRASE, WRONG_SECRET];
  const runs: { readonly args: readonly string[]; readonly run: MachineRun }[] = [];
  let machine: SyncMachine;

  async function run(
    args: readonly string[],
    environment: Record<string, string> = {},
    by = machine,
  ): Promise<void> {
    runs.push({ args, run: await by.run([...args, '--log-level', 'debug'], { environment }) });
  }

  beforeAll(async () => {
    const environment = { ...bucket.environment(), CLOUD_SYNC_PASSPHRASE: PASSPHRASE };
    machine = new SyncMachine(environment, folder);
    const { text, tag, source, metadata } = content;
    await machine.json(['add', text, '--tag', tag, '--source', source, '-m', `note=${metadata}`]);
    for (const command of ['push', 'status', 'snapshots', 'machines', 'verify', 'doctor', 'pull', 'prune']) {
      await run(['sync', command]);
    }
    for (const command of [
      ['backup'],
      ['backup', 'list'],
      ['backup', 'verify'],
      ['restore', 'nothing_20260101_000000'],
    ]) {
      await run(command);
    }
  }, 120_000);

  test('no object of the bucket, name or content, shows anything of the memories, the machine or the settings', async () => {
    const { accessKey = '', secretKey = '' } = bucket.settings;
    const words = [...sensitive, accessKey, secretKey, hostname(), userInfo().username].filter(
      // Shorter ones stand in random bytes by chance.
      (word) => word.length > 4,
    );
    const objects = await bucket.store.list('');
    expect(objects.length).toBeGreaterThan(3);
    for (const { key } of objects) {
      expect(found(words, Buffer.from(key)), key).toEqual([]);
      const blob = await bucket.store.get(key);
      expect(found(words, blob?.bytes ?? new Uint8Array()), key).toEqual([]);
    }
  });

  test('no local backup does', () => {
    const backups = join(folder, 'memories', 'backups');
    const files = readdirSync(backups, { recursive: true, encoding: 'utf8' })
      .map((name) => join(backups, name))
      .filter((path) => statSync(path).isFile());
    expect(files.length).toBeGreaterThan(3);
    for (const path of files) expect(found(sensitive, readFileSync(path)), path).toEqual([]);
  });

  test('no log does, at the level debug', () => {
    const words = [...sensitive, bucket.settings.secretKey ?? '', bucket.settings.accessKey ?? ''];
    expect(runs.map(({ run: { stderr } }) => stderr).join('')).not.toBe('');
    for (const {
      args,
      run: { stderr },
    } of runs) {
      expect(found(words, Buffer.from(stderr)), `${args.join(' ')}: ${stderr}`).toEqual([]);
    }
  });

  test.each([
    ['a wrong passphrase', { CLOUD_SYNC_PASSPHRASE: WRONG_PASSPHRASE }],
    ['a wrong secret key', { CLOUD_SYNC_SECRET_KEY: WRONG_SECRET }],
    ['no passphrase', { CLOUD_SYNC_PASSPHRASE: '' }],
    ['a bucket that is not there', { CLOUD_SYNC_BUCKET: 'no-such-bucket' }],
    ['an address where nobody listens', { CLOUD_SYNC_ENDPOINT: 'http://127.0.0.1:1' }],
  ])('no error does: %s', async (_, settings) => {
    const other = new SyncMachine({ ...machine.environment, ...settings });
    for (const args of [
      ['sync', 'pull'],
      ['sync', 'status'],
    ]) {
      const { code, stdout, stderr } = await other.run([...args, '--log-level', 'debug']);
      const words = [...sensitive, bucket.settings.secretKey ?? ''];
      expect(found(words, Buffer.from(stdout + stderr)), `${args.join(' ')} ${stdout}${stderr}`).toEqual([]);
      // The fake of npm looks at no keys.
      const accepted = server.name === 'fauxqs' && 'CLOUD_SYNC_SECRET_KEY' in settings;
      if (args[1] === 'pull' && !accepted) expect(code).not.toBe(0);
    }
  });
});
