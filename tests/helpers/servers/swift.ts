import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
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
import type { TestServer } from './test-server.ts';

const run = promisify(execFile);
const storage = ['account', 'container', 'object'] as const;

interface SwiftPorts {
  readonly proxy: number;
  readonly memcached: number;
  readonly account: number;
  readonly container: number;
  readonly object: number;
}

const hashes = `
[swift-hash]
swift_hash_path_suffix = a
swift_hash_path_prefix = b
[storage-policy:0]
name = gold
default = yes
`;

function storageConfig(kind: string, port: number, folder: string): string {
  return `
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = root
swift_dir = ${folder}
devices = ${folder}/devices
mount_check = false
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

function proxyConfig(ports: SwiftPorts, folder: string): string {
  const filters = ['catch_errors', 'healthcheck', 'listing_formats', 'bulk', 'slo', 'dlo', 'symlink'];
  return `
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = ${ports.proxy}
workers = 0
user = root
swift_dir = ${folder}
[pipeline:main]
pipeline = catch_errors healthcheck cache listing_formats s3api tempauth bulk slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${ports.memcached}
[filter:s3api]
use = egg:swift#s3api
s3_acl = false
location = us-east-1
check_bucket_owner = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
${filters.map((name) => `[filter:${name}]\nuse = egg:swift#${name}`).join('\n')}
`;
}

async function configure(folder: string, ports: SwiftPorts): Promise<void> {
  await mkdir(join(folder, 'devices', 'disk'), { recursive: true });
  await writeFile(join(folder, 'swift.conf'), hashes);
  await writeFile(join(folder, 'proxy-server.conf'), proxyConfig(ports, folder));
  for (const kind of storage) {
    await writeFile(join(folder, `${kind}-server.conf`), storageConfig(kind, ports[kind], folder));
    const builder = join(folder, `${kind}.builder`);
    await run('swift-ring-builder', [builder, 'create', '4', '1', '1']);
    await run('swift-ring-builder', [builder, 'add', `r1z1-127.0.0.1:${ports[kind]}/disk`, '1']);
    // A ring of one device makes it exit with the status for warnings.
    await run('swift-ring-builder', [builder, 'rebalance']).catch(() => undefined);
  }
}

function startPart(folder: string, kind: string, isReady: () => Promise<boolean>): Promise<ServerProcess> {
  return startServer({
    program: `/usr/bin/swift-${kind}-server`,
    arguments: [join(folder, `${kind}-server.conf`), '--verbose'],
    environment: { SWIFT_DIR: folder },
    isReady,
    startMs: 60_000,
  });
}

/**
 * OpenStack Swift with its S3 interface on one node, from Debian's packages `swift-proxy swift-account
 * swift-container swift-object memcached`. Answers 501 to conditional writes. Needs root.
 */
export const swift: TestServer = {
  name: 'swift',
  heavy: true,
  find: () => findBinary({ variable: 'SWIFT_PROXY_BIN', command: 'swift-proxy-server' }),
  start: async () => {
    const [proxy = 0, memcached = 0, account = 0, container = 0, object = 0] = await freePorts(5);
    const ports = { proxy, memcached, account, container, object };
    const data = await dataFolder('swift');
    await configure(data.path, ports);
    const cache = await startServer({
      program: 'memcached',
      arguments: ['-u', 'root', '-l', '127.0.0.1', '-p', String(memcached)],
      isReady: acceptsConnections(memcached),
    });
    const parts = await Promise.all([
      ...storage.map((kind) => startPart(data.path, kind, acceptsConnections(ports[kind]))),
      startPart(data.path, 'proxy', answersHttp(`http://127.0.0.1:${proxy}/healthcheck`)),
    ]);
    const keys = { accessKey: 'test:tester', secretKey: 'testing' };
    return {
      address: { host: '127.0.0.1', port: proxy },
      settings: (bucket) => s3Settings(proxy, bucket, keys),
      stop: async () => {
        await Promise.all([cache, ...parts].map((part) => part.stop()));
        await data.remove();
      },
    };
  },
};

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}
