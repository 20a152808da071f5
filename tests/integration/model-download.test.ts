import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readModelCard } from '../../src/embedding/model-card.ts';
import { downloadModel, type ModelDownload } from '../../src/embedding/model-download.ts';
import { EmbeddingUnavailableError } from '../../src/errors/embedding-errors.ts';
import { type ModelHub, sendFile, startModelHub } from '../helpers/model-hub.ts';
import { smallDisk } from '../helpers/small-disk.ts';
import { temporaryFolder } from '../helpers/sqlite-store.ts';

function download(hub: ModelHub, modelsFolder: string, more: Partial<ModelDownload> = {}): Promise<string> {
  return downloadModel({
    model: hub.model,
    modelsFolder,
    hub: hub.url,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    retryDelayMs: 1,
    ...more,
  });
}

async function refused(hub: ModelHub, more: Partial<ModelDownload> = {}): Promise<string> {
  const folder = temporaryFolder();
  const failure: unknown = await download(hub, folder, more).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(EmbeddingUnavailableError);
  expect(failure).toMatchObject({ fix: expect.any(String) as string, retryable: false });
  expect(existsSync(join(folder, hub.model.name))).toBe(false);
  return String(failure);
}

test('the files of the pinned commit are fetched, checked and described', async () => {
  const hub = await startModelHub();
  const modelsFolder = join(temporaryFolder(), 'models');
  const seen: number[] = [];
  const folder = await download(hub, modelsFolder, { onProgress: ({ done }) => seen.push(done) });
  expect(folder).toBe(join(modelsFolder, 'tiny-e5'));
  expect(await readModelCard(folder)).toMatchObject({
    name: 'tiny-e5',
    weights: hub.model.weights,
    source: `https://huggingface.co/tests/tiny-e5/tree/${hub.model.revision}`,
  });
  expect(statSync(join(folder, hub.model.weights.path)).size).toBe(hub.model.weights.bytes);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(hub.model.weights.bytes + hub.model.tokenizer.bytes);
  expect(readdirSync(modelsFolder)).toEqual(['tiny-e5']);
  expect(hub.requests.every((path) => path.includes(`/resolve/${hub.model.revision}/`))).toBe(true);
});

test('a lost connection is taken up where it ended', async () => {
  const hub = await startModelHub();
  const half = Math.floor(hub.model.weights.bytes / 2);
  let arrived = (): void => undefined;
  hub.script.push(
    (response, file) => {
      arrived = () => response.destroy();
      response.writeHead(200, { 'content-length': file.length });
      response.write(file.subarray(0, half));
    },
    (response) => response.writeHead(503).end(),
    (response) => response.destroy(),
  );
  const folder = await download(hub, temporaryFolder(), {
    onProgress: ({ done }) => {
      if (done === hub.model.tokenizer.bytes + half) arrived();
    },
  });
  expect(existsSync(join(folder, hub.model.weights.path))).toBe(true);
  expect(hub.requests.at(-1)).toContain(`bytes=${half}-`);
});

test('the next call takes up what an interrupted one left, also from a hub that sends the whole file', async () => {
  const hub = await startModelHub();
  const modelsFolder = temporaryFolder();
  const stop = new AbortController();
  hub.script.push((response, file) => {
    response.writeHead(200, { 'content-length': file.length });
    response.write(file.subarray(0, 1_000), () => {
      stop.abort();
    });
  });
  await expect(download(hub, modelsFolder, { signal: stop.signal })).rejects.toThrow(/abort/i);
  expect(existsSync(join(modelsFolder, 'tiny-e5'))).toBe(false);
  hub.script.push((response, file) => {
    sendFile(response, file);
  });
  await download(hub, modelsFolder);
  expect(hub.requests.filter((path) => path.includes('tokenizer.json'))).toHaveLength(1);
  expect(readdirSync(modelsFolder)).toEqual(['tiny-e5']);
});

test('it gives up after some tries, and says so', async () => {
  const hub = await startModelHub();
  hub.script.push(
    ...Array.from({ length: 9 }, () => (response: { destroy(): void }) => {
      response.destroy();
    }),
  );
  expect(await refused(hub)).toContain('could not be fetched');
  expect(hub.script).toHaveLength(4);
});

test('what is not the file is refused', async () => {
  const hub = await startModelHub();
  const page = Buffer.from('<!doctype html><title>Log in to the airport</title>');
  hub.script.push((response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page),
  );
  expect(await refused(hub)).toContain('answers with something else');
  hub.script.push((response) => {
    response.write(page);
    response.end();
  });
  expect(await refused(hub)).toContain('answers with something else');
  hub.script.push((response, file) => {
    sendFile(response, file.subarray(1));
  });
  expect(await refused(hub)).toContain(`not ${hub.model.weights.bytes}`);
  hub.script.push((response, file) => {
    response.write(file);
    response.end(Buffer.alloc(9));
  });
  expect(await refused(hub)).toContain('more than');
  hub.script.push((response) => response.writeHead(404).end());
  expect(await refused(hub)).toContain('HTTP 404');
  hub.script.push((response, file) => {
    const other = Buffer.from(file);
    other[500] = (other[500] ?? 0) ^ 1;
    sendFile(response, other);
  });
  expect(await refused(hub)).toContain('its SHA-256 is');
});

test('a file that was changed on the way is not kept for the next try', async () => {
  const hub = await startModelHub();
  const modelsFolder = temporaryFolder();
  mkdirSync(join(modelsFolder, '.partial-tiny-e5', 'onnx'), { recursive: true });
  writeFileSync(join(modelsFolder, '.partial-tiny-e5', hub.model.weights.path), 'not the beginning');
  await expect(download(hub, modelsFolder)).rejects.toThrow('its SHA-256 is');
  const folder = await download(hub, modelsFolder);
  expect(readFileSync(join(folder, hub.model.weights.path)).length).toBe(hub.model.weights.bytes);
});

test('it is sent on within the hub only', async () => {
  const [hub, other] = [await startModelHub(), await startModelHub()];
  hub.script.push((response) => response.writeHead(302, { location: `${other.url}/stolen` }).end());
  expect(await refused(hub)).toContain('not a host of the hub');
  expect(other.requests).toEqual([]);
  hub.script.push((response) => response.writeHead(302, { location: 'http://cdn.huggingface.co/x' }).end());
  expect(await refused(hub)).toContain('not a host of the hub');
  hub.script.push((response) =>
    response.writeHead(302, { location: 'https://huggingface.co.example/x' }).end(),
  );
  expect(await refused(hub)).toContain('not a host of the hub');
  hub.script.push((response, _file, { url = '' }) => response.writeHead(307, { location: url }).end());
  await download(hub, temporaryFolder());
  expect(hub.requests.at(-1)).toBe(hub.requests.at(-2));
});

test.each(['http://models.example.org', 'http://192.168.1.4:8080', 'ftp://127.0.0.1', 'no address'])(
  'models do not come unencrypted from %s',
  async (hub) => {
    expect(await refused(await startModelHub(), { hub })).toContain('over https only');
  },
);

test('a disk without room is told before and during the download', async () => {
  const hub = await startModelHub();
  const modelsFolder = smallDisk(64);
  await expect(download(hub, modelsFolder)).rejects.toThrow(`The disk of ${modelsFolder}`);
  expect(hub.requests).toEqual([]);
});

test('a folder that cannot be written is named', async () => {
  const file = join(temporaryFolder(), 'models');
  writeFileSync(file, 'a file where the folder should be');
  await expect(download(await startModelHub(), file)).rejects.toThrow(`The folder ${file} cannot be written`);
});
