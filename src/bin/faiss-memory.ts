#!/usr/bin/env node
import { homedir, userInfo } from 'node:os';
import type { findHome as FindHomeFunction, Host } from '../cli/host.ts';

type FindHome = typeof FindHomeFunction;

// Plain syntax and late imports on purpose: an old Node must get as far as the message.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `faiss-memory needs Node.js 20.19 or newer; this is ${process.version} (${process.execPath}).\n` +
      'Fix: install a current Node.js from https://nodejs.org, or point your MCP client at a newer one.\n',
  );
  process.exit(1);
}

// Node.js 22.8 and newer can keep compiled code between two starts, in the system's folder for temporary files;
// where that fails, or NODE_DISABLE_COMPILE_CACHE is set, it just compiles.
// The types are those of Node.js 20, which does not have it.
const loader = (await import('node:module')) as { enableCompileCache?: () => unknown };
loader.enableCompileCache?.();

// The S3 client would announce on stderr, with every start, when it will end its support for this Node.js.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';

const argv = process.argv.slice(2);
const hostWith = (findHome: FindHome): Host => ({
  env: process.env,
  platform: process.platform,
  homeDirectory: findHome(process.platform, [homedir, () => userInfo().homedir]),
  workingDirectory: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});

// A client waits for its hook, so that one is a file of its own, which has no more than it needs.
const isHook = argv[0] === 'hook' && !argv.includes('--help') && !argv.includes('-h');
if (isHook) {
  const { findHome, runHook } = await import('../cli/hooks/run-hook.ts');
  const { opened } = await runHook(argv.slice(1), hostWith(findHome));
  if (!opened) process.exit(0);
}

// Memory that garbage and compilers took is not given back, so their peaks stay low: collections come at 50 % more than what
// is in use, not at four times as much; of WebAssembly, only functions that run for long are optimised, one at a time.
const { getHeapSpaceStatistics, setFlagsFromString } = await import('node:v8');
const FLAGS = [
  '--heap-growing-percent=50',
  '--wasm-num-compilation-tasks=1',
  '--wasm-tiering-budget=200000000',
];
for (const flag of FLAGS) setFlagsFromString(flag);

// The part of the heap for new objects grows up to 8 MiB instead of 32 or 128, and while the main thread is busy to 16 or 32: a worker
// thread has a limit, the main one has none that a program can set. V8 forgets the flag when a thread starts, so it is set again and
// again; first often and to less, because the part grows most while the program is loaded. From Node.js 22 on, no timer fires meanwhile.
const NEW_OBJECTS_BYTES = 8 * 1024 * 1024;
const BUSY = 0.5;
const LOOK_EVERY_MS = 1_000;
const FIRST_LOOKS_EVERY_MS = 50;
const FIRST_LOOKS_MS = 5_000;
const FIRST_NEW_OBJECTS_BYTES = NEW_OBJECTS_BYTES / 2;
const limitNewObjects = (bytes: number): void => {
  const { space_size: size = 0 } =
    getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space') ?? {};
  setFlagsFromString(`--semi-space-growth-factor=${size < bytes ? 2 : 1}`);
};
limitNewObjects(0);
const firstLooks = setInterval(limitNewObjects, FIRST_LOOKS_EVERY_MS, FIRST_NEW_OBJECTS_BYTES).unref();
setTimeout(() => {
  clearInterval(firstLooks);
  let before = performance.eventLoopUtilization();
  setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    limitNewObjects(utilization > BUSY ? 2 * NEW_OBJECTS_BYTES : NEW_OBJECTS_BYTES);
  }, LOOK_EVERY_MS).unref();
}, FIRST_LOOKS_MS).unref();

const { endProcess, findHome, main, reportUnfinishedWork, watchUnfinishedWork } =
  await import('../cli/main.ts');
if (isHook) await endProcess(0);
const host = hostWith(findHome);
const done = watchUnfinishedWork(() => reportUnfinishedWork(argv, host));
const code = await main(argv, host);
done();
await endProcess(code);
