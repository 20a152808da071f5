// Starts faiss-memory for a plugin: the program that "faiss-memory init" installed, else the package that this file is a
// part of, else, for the server alone, the published package by npx. Arguments are those of the program.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const words = process.argv.slice(2);
const program = programs().find((path) => existsSync(path));
if (program !== undefined) {
  process.argv = [process.execPath, program, ...words];
  await import(pathToFileURL(program).href);
} else if (words[0] !== 'hook') {
  startPublished();
}
// A hook without a program has nothing to say.

function programs() {
  const here = dirname(fileURLToPath(import.meta.url));
  return [
    join(dataFolder(), 'app', 'faiss-memory.mjs'),
    join(here, '..', '..', 'dist', 'bin', 'faiss-memory.js'),
  ];
}

/** The default folder of the program's data, in which it is installed. */
function dataFolder() {
  const named = (name, otherwise) => {
    const value = process.env[name] ?? '';
    return join(isAbsolute(value) ? value : join(homedir(), ...otherwise), 'faiss-memory');
  };
  if (process.platform === 'win32') return named('LOCALAPPDATA', ['AppData', 'Local']);
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'faiss-memory');
  return named('XDG_DATA_HOME', ['.local', 'share']);
}

/** Without a shell, also on Windows, where npx itself is a script for one. */
function startPublished() {
  const beside = dirname(process.execPath);
  const npx = [
    join(beside, 'node_modules', 'npm', 'bin', 'npx-cli.js'),
    join(beside, '..', 'lib', 'node_modules', 'npm', 'bin', 'npx-cli.js'),
  ].find((path) => existsSync(path));
  const [command, ...before] = npx === undefined ? ['npx'] : [process.execPath, npx];
  const child = spawn(command, [...before, '--yes', 'faiss-memory@0.1.0', ...words], { stdio: 'inherit' });
  child.on('error', (error) => {
    process.stderr.write(`faiss-memory is not installed, and npx cannot be started: ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
}
