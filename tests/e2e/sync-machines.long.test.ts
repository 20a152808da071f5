import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ConnectedClient } from '../helpers/mcp/clients.ts';
import { freePort } from '../helpers/servers/free-port.ts';
import { minio } from '../helpers/servers/minio.ts';
import { versitygw } from '../helpers/servers/versitygw.ts';
import { startBucketServer, type BucketServer } from '../helpers/sync/bucket-server.ts';
import { SyncMachine } from '../helpers/sync/sync-machine.ts';

let server: BucketServer;
let settings: Record<string, string>;

beforeAll(async () => {
  server = await startBucketServer([minio, versitygw]);
});
afterAll(() => server.stop());
beforeEach(async () => {
  const bucket = await server.createBucket();
  settings = { ...bucket.environment(), CLOUD_SYNC_PASSPHRASE: 'seven tired herons cross the harbour' };
});

/** A machine of its own, spoken to as an assistant does. */
class Assistant {
  readonly #client: ConnectedClient;

  constructor(client: ConnectedClient) {
    this.#client = client;
  }

  /** Fails the test when the tool fails. */
  async call(name: string, values: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const { data, isError, text } = await this.#client.call(name, values);
    expect(isError, `${name}: ${text}`).toBe(false);
    return data;
  }

  /** The code of a tool that must fail. */
  async failure(name: string, values: Record<string, unknown> = {}): Promise<unknown> {
    const { isError, failure } = await this.#client.call(name, values);
    expect(isError).toBe(true);
    return failure;
  }

  async add(text: string): Promise<string> {
    const data = await this.call('memory_add', { text });
    const [{ id }] = data['results'] as [{ id: string }];
    return id;
  }

  async texts(): Promise<string[]> {
    const { memories } = (await this.call('memory_list', { limit: 50 })) as { memories: { text: string }[] };
    return memories.map(({ text }) => text).toSorted();
  }

  upload(name?: string): Promise<Record<string, unknown>> {
    return this.call('sync_upload', name === undefined ? {} : { name });
  }

  merge(): Promise<Record<string, unknown>> {
    return this.call('sync_restore', { mode: 'merge' });
  }

  /** Equal on two machines = they have converged. */
  async state(): Promise<unknown[]> {
    const status = await this.call('sync_status');
    return [status['state'], status['relation']];
  }
}

async function newMachine(): Promise<Assistant> {
  return new Assistant(await new SyncMachine(settings).connect());
}

describe('machines with one encrypted bucket, through their MCP servers', { timeout: 120_000 }, () => {
  test('share memories: an empty one fills itself, and edits on both sides meet', async () => {
    const home = await newMachine();
    const shared = await home.add('The cat is called Mocha');
    await home.add('The car is blue');
    await home.upload();
    const office = await newMachine();
    await vi.waitFor(
      async () => {
        expect(await office.texts()).toEqual(['The car is blue', 'The cat is called Mocha']);
      },
      { timeout: 60_000, interval: 200 },
    );
    await home.call('memory_update', { id: shared, text: 'The cat is called Mocha and is grey' });
    await office.add('The office is in Graz');
    await office.upload();
    await home.merge();
    await home.upload();
    await office.merge();
    const texts = ['The car is blue', 'The cat is called Mocha and is grey', 'The office is in Graz'];
    expect(await home.texts()).toEqual(texts);
    expect(await office.texts()).toEqual(texts);
    await office.upload();
    await home.merge();
    expect(await home.state()).toEqual(await office.state());
    expect((await home.state())[1]).toBe('in-sync');
  });

  test('restore a snapshot with consent, undo it, and agree on both', async () => {
    const home = await newMachine();
    const office = await newMachine();
    await home.add('The first fact');
    const kept = await home.add('A fact that goes');
    // A name of its own: two uploads in one second would share the default one.
    const { snapshot } = await home.upload('first');
    await home.call('memory_delete', { ids: [kept] });
    await home.add('A later fact');
    await home.upload();
    const request = { mode: 'replace', snapshot };
    const shown = await home.call('sync_restore', { ...request, dry_run: true });
    expect(shown).toMatchObject({ applied: false, added: 1, removed: 1 });
    expect(await home.texts()).toEqual(['A later fact', 'The first fact']);
    const { undo } = await home.call('sync_restore', { ...request, confirm: shown['confirm'] });
    expect(await home.texts()).toEqual(['A fact that goes', 'The first fact']);
    await home.upload();
    await office.merge();
    expect(await office.texts()).toEqual(['A fact that goes', 'The first fact']);
    const back = { mode: 'replace', snapshot: undo, from: 'local' };
    const { confirm } = await home.call('sync_restore', { ...back, dry_run: true });
    await home.call('sync_restore', { ...back, confirm });
    await home.upload();
    await office.merge();
    expect(await office.texts()).toEqual(['A later fact', 'The first fact']);
    expect(await home.texts()).toEqual(['A later fact', 'The first fact']);
  });

  test('restore nothing without consent, or with that for another state', async () => {
    const home = await newMachine();
    await home.add('The first fact');
    const { snapshot } = await home.upload();
    await home.add('A second fact');
    const request = { mode: 'replace', snapshot };
    const { confirm } = await home.call('sync_restore', { ...request, dry_run: true });
    await home.add('A third fact');
    expect(await home.failure('sync_restore', { ...request, confirm })).toMatchObject({
      code: 'STATE_CHANGED',
    });
    expect(await home.call('sync_restore', request)).toMatchObject({ applied: false });
    expect(await home.texts()).toEqual(['A second fact', 'A third fact', 'The first fact']);
  });

  test('keep both versions when both changed the same memory, on a third machine too, until one is chosen', async () => {
    const [home, office] = [await newMachine(), await newMachine()];
    const id = await home.add('Ann drinks tea');
    await home.upload();
    await office.merge();
    await home.call('memory_update', { id, text: 'Ann drinks green tea' });
    await office.call('memory_update', { id, text: 'Ann drinks coffee' });
    await home.upload();
    await office.merge();
    await office.upload();
    await home.merge();
    const third = await newMachine();
    await third.merge();
    const states = [await home.texts(), await office.texts(), await third.texts()];
    expect(new Set(states.map((texts) => texts.join())).size).toBe(1);
    expect(await third.call('sync_status')).toMatchObject({ conflicts: 1 });
    await third.call('memory_update', { id, text: 'Ann drinks green tea and coffee' });
    await third.upload();
    for (const machine of [home, office]) {
      await machine.merge();
      expect(await machine.texts()).toEqual(['Ann drinks green tea and coffee']);
      expect(await machine.call('sync_status')).not.toHaveProperty('conflicts');
    }
  });

  test('go on while the bucket is out of reach, and catch up afterwards', async () => {
    const home = await newMachine();
    await home.add('Known to both');
    await home.upload();
    const laptop = new SyncMachine(settings);
    const online = new Assistant(await laptop.connect());
    await online.merge();
    const away = { CLOUD_SYNC_ENDPOINT: `http://127.0.0.1:${await freePort()}` };
    const offline = new Assistant(await laptop.connect(away));
    for (let day = 1; day <= 3; day += 1) await offline.add(`Noted on the train, day ${day}`);
    expect(await offline.failure('sync_upload')).toMatchObject({ code: 'BLOB_STORE' });
    await home.add('Noted at home');
    await home.upload();
    expect(await offline.texts()).toHaveLength(4);
    // Unless it has caught up by itself meanwhile.
    expect(['diverged', 'behind']).toContain((await online.call('sync_status'))['relation']);
    await online.upload();
    await online.merge();
    await home.merge();
    expect(await home.texts()).toHaveLength(5);
    expect(await home.texts()).toEqual(await online.texts());
  });
});
