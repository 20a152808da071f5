import { chmodSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { findMeetingPlace, socketAt, takeAddress } from '../../../src/embedding/shared/meeting-place.ts';
import { ModelHost } from '../../../src/embedding/shared/model-host.ts';
import { FakeEmbedder } from '../../../src/embedding/fake-embedder.ts';
import { temporaryFolder } from '../../helpers/mcp/server-environment.ts';

function newServer(): Server {
  const server = createServer();
  onTestFinished(() => {
    server.close();
  });
  return server;
}

describe('on Windows', () => {
  const windows = { make: true, platform: 'win32' } as const;

  test('the processes of a data folder meet at a pipe whose name only they can know', async () => {
    const [one, other] = [temporaryFolder(), temporaryFolder()];
    const place = await findMeetingPlace(one, windows);
    expect(place?.address).toMatch(/^\\\\\.\\pipe\\faiss-memory-[0-9a-f]{32}$/);
    expect(await findMeetingPlace(one, { ...windows, make: false })).toEqual(place);
    expect((await findMeetingPlace(other, windows))?.address).not.toBe(place?.address);
  });

  test('a long path needs no other folder, and modes say nothing', async () => {
    const long = join(temporaryFolder(), 'd'.repeat(90));
    mkdirSync(join(long, 'run'), { recursive: true });
    chmodSync(join(long, 'run'), 0o777);
    const place = await findMeetingPlace(long, windows);
    expect(place).toMatchObject({ folder: join(long, 'run'), isPipe: true });
  });

  test('the first process has the pipe, and no file is looked at or made private', async () => {
    const folder = temporaryFolder();
    const found = await findMeetingPlace(folder, windows);
    if (found === undefined) throw new Error('there is no place');
    // This system has no pipes with such names; a socket behaves the same here.
    const place = { ...found, address: join(folder, 'pipe') };
    expect(await takeAddress(place, newServer())).toBe(true);
    expect(await takeAddress(place, newServer())).toBe(false);
    expect(socketAt(place)).toBe(place.address);
  });

  test('the process that leaves removes no file in the place of the pipe', async () => {
    const folder = temporaryFolder();
    const found = await findMeetingPlace(folder, windows);
    if (found === undefined) throw new Error('there is no place');
    const place = { ...found, address: join(folder, 'pipe') };
    const host = new ModelHost({ place, embedder: new FakeEmbedder(), identity: 'x' });
    expect(await host.start()).toBe(true);
    // A pipe looks like a folder to functions that remove files, and they refuse it.
    rmSync(place.address);
    mkdirSync(place.address);
    host.close();
    expect(statSync(place.address).isDirectory()).toBe(true);
  });
});

test.skipIf(process.platform === 'win32').each(['linux', 'darwin'] as const)(
  'on %s they meet at a socket that is private',
  async (platform) => {
    const folder = temporaryFolder();
    const place = await findMeetingPlace(folder, { make: true, platform });
    if (place === undefined) throw new Error('there is no place');
    expect(place).toMatchObject({ isPipe: false, address: join(folder, 'run', 'model.sock') });
    expect(await takeAddress(place, newServer())).toBe(true);
    expect(statSync(place.address).mode & 0o777).toBe(0o600);
    expect(await takeAddress(place, newServer())).toBe(false);
    expect(socketAt(place)).toMatch(/^\d+ \d+$/);
    chmodSync(place.folder, 0o755);
    expect(await findMeetingPlace(folder, { make: true, platform })).toBeUndefined();
  },
);
