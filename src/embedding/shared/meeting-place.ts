import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chmod, link, lstat, mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { connect, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { writeDurably } from '../../util/durable-file.ts';
import { codeOf } from '../../util/caught.ts';

/** Where the processes of one data folder meet. */
export interface MeetingPlace {
  /** Private folder of the user. */
  readonly folder: string;
  /** Path of the socket, or name of the pipe. */
  readonly address: string;
  /** Windows has pipes, which no file stands for, and which end with their process. */
  readonly isPipe: boolean;
  /** Proves to a process that asks that it has reached one that can read the private folder. */
  readonly key: Buffer;
}

/** In the data folder. Nothing in it outlives the processes but the key. */
const FOLDER = 'run';
const SOCKET = 'model.sock';
const SOCKET_ENDING = '.sock';
const KEY = 'key';
/** A folder that is there while the socket of a dead process is replaced. */
const TAKING = 'taking';
const DEAD_LOCK_MS = 5_000;
const KEY_BYTES = 32;
/** Longest path of a socket on macOS, without its final zero; Linux takes 107. */
const LONGEST_PATH = 103;
/** A socket under another name that is as old was left by a killed process. */
const LEFTOVER_MS = 60_000;
const OTHERS = 0o077;
const NOT_THERE = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET']);

export interface PlaceOptions {
  /** Whether to make its folder and key. Without them no process can be there. */
  readonly make: boolean;
  /** Has the folder when the path of the data folder is too long for a socket. Default: that of the system. */
  readonly temporary?: string;
  /** Default: that of the process. */
  readonly platform?: NodeJS.Platform;
}

/**
 * Finds the place of a data folder.
 * @returns undefined where there is none: no data folder yet, a read-only disk, a folder that others may enter
 */
export async function findMeetingPlace(
  dataDir: string,
  { make, temporary = tmpdir(), platform = process.platform }: PlaceOptions,
): Promise<MeetingPlace | undefined> {
  const isPipe = platform === 'win32';
  try {
    const real = await realpath(dataDir);
    const hash = createHash('sha256').update(real).digest('hex').slice(0, 16);
    const near = join(real, FOLDER);
    const isTooLong = Buffer.byteLength(join(near, SOCKET)) > LONGEST_PATH;
    const folder =
      !isPipe && isTooLong ? join(await realpath(temporary), `faiss-memory-${userInfo().uid}-${hash}`) : near;
    if (make) await isNew(mkdir(folder, { mode: 0o700 }));
    await checkPrivate(folder, isPipe);
    const key = await sharedKey(join(folder, KEY), make);
    const name = createHmac('sha256', key).update(real).digest('hex').slice(0, 32);
    const address = isPipe ? `\\\\.\\pipe\\faiss-memory-${name}` : join(folder, SOCKET);
    if (!isPipe && Buffer.byteLength(address) > LONGEST_PATH) return undefined;
    return { folder, address, isPipe, key };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process of the data folder seems to have the model: at once, and only by the usual place. False on Windows,
 * whose pipes cannot be seen.
 */
export function seemsServed(dataDir: string): boolean {
  return existsSync(join(dataDir, FOLDER, SOCKET));
}

/** @throws when the folder is not this user's alone */
async function checkPrivate(folder: string, isWindows: boolean): Promise<void> {
  const found = await lstat(folder);
  if (!found.isDirectory()) throw new Error(`${folder} is no folder`);
  // Windows has neither owners nor modes here; the folder inherits who may enter the user's own.
  if (isWindows) return;
  if (found.uid !== process.getuid?.() || (found.mode & OTHERS) !== 0)
    throw new Error(`${folder} is open to others`);
}

async function sharedKey(path: string, make: boolean): Promise<Buffer> {
  const read = (): Promise<Buffer> => readFile(path);
  const key = await read().catch(async (cause: unknown) => {
    if (!make) throw cause;
    // The first of several processes wins.
    await isNew(writeDurably({ path, data: randomBytes(KEY_BYTES), onlyIfAbsent: true }));
    return read();
  });
  if (key.length !== KEY_BYTES) throw new Error(`${path} is damaged`);
  return key;
}

/** @param nonce of the process that asks, so that a proof is good for one connection */
export function proofOf({ key }: MeetingPlace, nonce: string): string {
  return createHmac('sha256', key).update(`model host ${nonce}`).digest('hex');
}

export function isProof(place: MeetingPlace, nonce: string, proof: string): boolean {
  const [expected, given] = [Buffer.from(proofOf(place, nonce)), Buffer.from(proof)];
  return expected.length === given.length && timingSafeEqual(expected, given);
}

/**
 * Connects to the process that listens at the address.
 * @returns undefined when none does: its socket is not there, or was left by a process that died
 */
export async function reach(address: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error) => {
      const code = codeOf(error);
      if (NOT_THERE.has(String(code))) resolve(undefined);
      else reject(error);
    });
  });
}

/**
 * Takes the address for a server, when no other process has it.
 * @returns whether it was taken; false too while another process removes the socket of one that died
 * @throws when this file system or sandbox has no sockets
 */
export async function takeAddress(place: MeetingPlace, server: Server): Promise<boolean> {
  const { folder, address, isPipe } = place;
  if (isPipe) return listenAt(server, address);
  // The socket gets its own name only when it listens and is private, so one that refuses belongs to a dead process.
  const hidden = join(folder, randomBytes(3).toString('hex') + SOCKET_ENDING);
  await listenAt(server, hidden);
  try {
    await chmod(hidden, 0o600);
    if (await isNew(link(hidden, address))) return true;
    if (await answers(address)) return false;
    return await alone(join(folder, TAKING), async () => {
      if (await answers(address)) return false;
      await rm(address, { force: true });
      await removeLeftovers(folder);
      return isNew(link(hidden, address));
    });
  } finally {
    await rm(hidden, { force: true });
  }
}

/** Whether the name that is being made is not there yet. */
async function isNew(made: Promise<unknown>): Promise<boolean> {
  try {
    await made;
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Runs the work unless another process runs it; that takes some milliseconds. @returns false when it was not run */
async function alone(lock: string, work: () => Promise<boolean>): Promise<boolean> {
  if (!(await isNew(mkdir(lock)))) {
    const found = await stat(lock).catch(() => undefined);
    // Its process was killed in these milliseconds.
    if (found !== undefined && Date.now() - found.mtimeMs > DEAD_LOCK_MS) await rm(lock, { recursive: true });
    return false;
  }
  try {
    return await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function listenAt(server: Server, address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(address, () => {
      server.removeAllListeners('error');
      // A failed accept concerns one connection.
      server.on('error', () => undefined);
      resolve(true);
    });
  });
}

async function answers(address: string): Promise<boolean> {
  try {
    const socket = await reach(address);
    socket?.destroy();
    return socket !== undefined;
  } catch {
    // Only a refusal is the sign of a dead process; a full queue is not.
    return true;
  }
}

async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name === SOCKET || !name.endsWith(SOCKET_ENDING)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > LEFTOVER_MS) await rm(path, { force: true });
  }
}

/** Identifies the socket at the address, so that its owner sees when another process has it; empty = there is none. */
export function socketAt({ address, isPipe }: MeetingPlace): string {
  // A pipe belongs to its process until that ends.
  if (isPipe) return address;
  const found = statSync(address, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? '' : `${found.dev} ${found.ino}`;
}
