import {
  closeSync,
  copyFileSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningServer } from '../../tests/helpers/servers/test-server.ts';
import { fauxqs } from '../../tests/helpers/servers/fauxqs.ts';
import { minio } from '../../tests/helpers/servers/minio.ts';
import { testKeys } from '../../tests/helpers/servers/test-server.ts';
import { versitygw } from '../../tests/helpers/servers/versitygw.ts';
import { CountingProxy, type Traffic } from '../lib/counting-proxy.ts';
import { filledApp, randomNumbers, randomText } from '../lib/filled-app.ts';
import { runProgram, type ProgramRun } from '../lib/measured-program.ts';
import type { Row } from '../lib/row.ts';

const KIB = 1_024;
const MIB = KIB * KIB;
const BUCKET = 'bench';

/** Starts the first object store that is installed. The last one always is. */
async function startServer(): Promise<{ readonly name: string; readonly server: RunningServer }> {
  for (const candidate of [minio, versitygw, fauxqs]) {
    const program = await candidate.find();
    if (program !== null) return { name: candidate.name, server: await candidate.start(program) };
  }
  throw new Error('no object store is installed');
}

function machine(dataDir: string, endpoint: string): Record<string, string> {
  return {
    MEMORY_DATA_DIR: dataDir,
    CLOUD_SYNC_ENABLED: 'true',
    CLOUD_SYNC_BUCKET: BUCKET,
    CLOUD_SYNC_ENDPOINT: endpoint,
    CLOUD_SYNC_ACCESS_KEY: testKeys.accessKey,
    CLOUD_SYNC_SECRET_KEY: testKeys.secretKey,
    CLOUD_SYNC_PASSPHRASE: 'a passphrase of the benchmark',
  };
}

/** Copies the whole database, as the simplest possible backup would. @returns milliseconds and bytes */
function copyDatabase(dataDir: string): { readonly ms: number; readonly bytes: number } {
  const source = join(dataDir, 'memory.sqlite');
  const target = join(dataDir, 'whole-copy');
  const start = performance.now();
  copyFileSync(source, target);
  const file = openSync(target, 'r+');
  fsyncSync(file);
  closeSync(file);
  const ms = performance.now() - start;
  rmSync(target);
  return { ms, bytes: statSync(source).size };
}

function writeChanges(dataDir: string, count: number): string {
  const random = randomNumbers(99);
  const path = join(dataDir, 'changes.jsonl');
  const lines = Array.from({ length: count }, () => JSON.stringify({ text: randomText(random) }));
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}

function size(bytes: number): string {
  return bytes < MIB ? `${(bytes / KIB).toFixed(1)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}

/**
 * Measures encrypted sync with the built program and a real server on loopback: the first push, a push without a
 * change, a push of one memory, a restore on an empty machine, and a merge of 1,000 changes.
 */
export async function syncRows(memories: number, report: (row: Row) => void): Promise<void> {
  const { name, server } = await startServer();
  const proxy = await CountingProxy.start(server.address);
  const filled = await filledApp(memories);
  await filled.app.close();
  const first = machine(filled.dataDir, proxy.endpoint);
  const second = machine(mkdtempSync(join(tmpdir(), 'faiss-memory-bench-')), proxy.endpoint);
  const whole = copyDatabase(filled.dataDir);
  const add = (what: string, run: ProgramRun, limit: { bytes?: number; ms?: number }): void => {
    const traffic = proxy.take();
    report(toRow({ what: `${what}, ${memories} memories (${name})`, run, traffic, limit, whole }));
  };
  const quietly = { MEMORY_EMBEDDING_PROVIDER: 'none' };
  try {
    await runProgram(['sync', 'doctor', '--create-bucket'], first);
    proxy.take();
    add('first push', await runProgram(['sync', 'push'], first), {});
    add('push without a change', await runProgram(['sync', 'push'], first), { bytes: 64 * KIB });
    await runProgram(['add', 'one more memory, about the height of the church tower'], {
      ...first,
      ...quietly,
    });
    proxy.take();
    add('push of one memory', await runProgram(['sync', 'push'], first), { bytes: 64 * KIB });
    add('restore on an empty machine', await runProgram(['sync', 'pull'], { ...second, ...quietly }), {
      ms: 30_000,
    });
    const changes = writeChanges(second['MEMORY_DATA_DIR'] ?? '', 1_000);
    await runProgram(['import', changes], { ...second, ...quietly });
    await runProgram(['sync', 'push'], second);
    proxy.take();
    add('merge of 1000 remote changes', await runProgram(['sync', 'pull'], { ...first, ...quietly }), {});
  } finally {
    proxy.close();
    await server.stop();
    for (const { MEMORY_DATA_DIR } of [first, second]) {
      rmSync(MEMORY_DATA_DIR ?? '', { recursive: true, force: true });
    }
  }
}

interface Measurement {
  readonly what: string;
  readonly run: ProgramRun;
  readonly traffic: Traffic;
  readonly limit: { readonly bytes?: number; readonly ms?: number };
  readonly whole: { readonly ms: number; readonly bytes: number };
}

function toRow({ what, run, traffic, limit, whole }: Measurement): Row {
  const bytes = traffic.bytesUp + traffic.bytesDown;
  const share = ((100 * bytes) / whole.bytes).toPrecision(2);
  return {
    what,
    measured:
      `${(run.ms / 1_000).toFixed(1)} s, ${traffic.requests} requests, up ${size(traffic.bytesUp)}, ` +
      `down ${size(traffic.bytesDown)}, peak ${run.peakMb.toFixed(0)} MB`,
    budget:
      limit.ms !== undefined ? `${limit.ms / 1_000} s` : limit.bytes !== undefined ? size(limit.bytes) : '',
    reference: `whole file: ${size(whole.bytes)} (this is ${share} %), copied in ${(whole.ms / 1_000).toFixed(1)} s`,
    ok: bytes <= (limit.bytes ?? Infinity) && run.ms <= (limit.ms ?? Infinity),
  };
}
