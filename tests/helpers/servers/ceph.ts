import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinary } from './find-binary.ts';
import { freePort } from './free-port.ts';
import { s3Settings } from './s3-server.ts';
import {
  acceptsConnections,
  answersHttp,
  dataFolder,
  startServer,
  type ServerProcess,
} from './server-process.ts';
import { testKeys, type TestServer } from './test-server.ts';

const run = promisify(execFile);

interface CephCluster {
  readonly folder: string;
  readonly fsid: string;
  readonly monitorPort: number;
  readonly gatewayPort: number;
}

function config({ folder, fsid, monitorPort, gatewayPort }: CephCluster): string {
  return `
[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
osd pool default size = 1
osd pool default min size = 1
osd crush chooseleaf type = 0
osd pool default pg num = 8
osd pool default pgp num = 8
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd objectstore = memstore
memstore device bytes = 2147483648
run dir = ${folder}/run
log file = ${folder}/log/$name.log
admin socket = ${folder}/run/$name.asok
mon data = ${folder}/mon
osd data = ${folder}/osd
mgr data = ${folder}/mgr
rgw data = ${folder}/rgw
keyring = ${folder}/keyring
rgw frontends = beast endpoint=127.0.0.1:${gatewayPort}
`;
}

const allowAll = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *'];

/** Starts monitor, manager, storage and gateway in this order, each as a child that dies with this process. */
class CephNode {
  readonly #cluster: CephCluster;
  readonly #started: ServerProcess[] = [];

  constructor(cluster: CephCluster) {
    this.#cluster = cluster;
  }

  async start(): Promise<void> {
    const { folder } = this.#cluster;
    for (const part of ['mon', 'osd', 'mgr', 'rgw', 'run', 'log']) await mkdir(join(folder, part));
    await writeFile(join(folder, 'ceph.conf'), config(this.#cluster));
    await this.#startMonitor();
    await this.#grant('mgr.x', ['mon', 'allow profile mgr', 'osd', 'allow *', 'mds', 'allow *']);
    await this.#daemon('ceph-mgr', ['-i', 'x'], () => Promise.resolve(true));
    await this.#startStorage();
    await this.#startGateway();
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((part) => part.stop()));
  }

  async #startMonitor(): Promise<void> {
    const { folder, fsid, monitorPort } = this.#cluster;
    const keyring = join(folder, 'keyring');
    const map = join(folder, 'monmap');
    await run('ceph-authtool', [keyring, '--create-keyring', '--gen-key', '-n', 'client.admin', ...allowAll]);
    await run('ceph-authtool', [keyring, '--gen-key', '-n', 'client.rgw', ...allowAll.slice(0, 6)]);
    await run('ceph-authtool', [keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *']);
    const address = `[v2:127.0.0.1:${monitorPort}]`;
    await run('monmaptool', ['--create', '--clobber', '--fsid', fsid, '--addv', 'a', address, map]);
    await this.#run('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map, '--keyring', keyring]);
    await this.#daemon('ceph-mon', ['-i', 'a'], acceptsConnections(monitorPort));
    await this.#run('ceph', ['auth', 'add', 'client.rgw', '-i', keyring]);
  }

  async #startStorage(): Promise<void> {
    const id = (await this.#run('ceph', ['osd', 'create'])).trim();
    await this.#grant(`osd.${id}`, [
      'mon',
      'allow profile osd',
      'osd',
      'allow *',
      'mgr',
      'allow profile osd',
    ]);
    await this.#run('ceph-osd', ['-i', id, '--mkfs']);
    await this.#run('ceph', ['osd', 'crush', 'add', id, '1.0', 'root=default', 'host=h']);
    await this.#daemon('ceph-osd', ['-i', id], async () =>
      /\b1 up\b/.test(await this.#run('ceph', ['osd', 'stat'])),
    );
  }

  async #startGateway(): Promise<void> {
    const url = `http://127.0.0.1:${this.#cluster.gatewayPort}/`;
    await this.#daemon('radosgw', ['-n', 'client.rgw'], answersHttp(url));
    const keys = [`--access-key=${testKeys.accessKey}`, `--secret=${testKeys.secretKey}`];
    await this.#run('radosgw-admin', ['user', 'create', '--uid=test', '--display-name=test', ...keys]);
  }

  async #grant(name: string, capabilities: readonly string[]): Promise<void> {
    const key = await this.#run('ceph', ['auth', 'get-or-create', name, ...capabilities]);
    await appendFile(join(this.#cluster.folder, 'keyring'), key);
  }

  async #run(program: string, args: readonly string[]): Promise<string> {
    const { stdout } = await run(program, ['-c', join(this.#cluster.folder, 'ceph.conf'), ...args], {
      timeout: 60_000,
    });
    return stdout;
  }

  async #daemon(name: string, args: readonly string[], isReady: () => Promise<boolean>): Promise<void> {
    const common = [
      '-c',
      join(this.#cluster.folder, 'ceph.conf'),
      '-f',
      '--setuser',
      'root',
      '--setgroup',
      'root',
    ];
    const program = `/usr/bin/${name}`;
    this.#started.push(
      await startServer({ program, arguments: [...common, ...args], isReady, startMs: 120_000 }),
    );
  }
}

/**
 * Ceph's RADOS gateway over one monitor, manager and in-memory storage daemon, from Debian's packages `radosgw
 * ceph-mon ceph-osd ceph-mgr ceph-base`. Takes about 1 GB of memory and needs root.
 */
export const ceph: TestServer = {
  name: 'ceph',
  heavy: true,
  find: () => findBinary({ variable: 'RADOSGW_BIN', command: 'radosgw' }),
  start: async () => {
    const data = await dataFolder('ceph');
    const [monitorPort, gatewayPort] = [await freePort(), await freePort()];
    const node = new CephNode({ folder: data.path, fsid: randomUUID(), monitorPort, gatewayPort });
    const stop = async () => {
      await node.stop();
      await data.remove();
    };
    await node.start().catch(async (error: unknown) => {
      await stop();
      throw error;
    });
    return {
      address: { host: '127.0.0.1', port: gatewayPort },
      settings: (bucket) => s3Settings(gatewayPort, bucket),
      stop,
    };
  },
};
