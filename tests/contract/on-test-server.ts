import { describe, expect, test } from 'vitest';
import { createBlobStore } from '../../src/blob/create-blob-store.ts';
import type { BlobSettings } from '../../src/blob/blob-settings.ts';
import { findIfWanted, isRequired, type TestServer } from '../helpers/servers/test-server.ts';
import { describeBlobStore, type BlobStoreTraits } from './blob-store.contract.ts';

/**
 * Runs the contract on a real server. One that is not installed, or is too heavy for this run, is left out, which
 * is itself a test: it fails when `REQUIRE_SERVERS` names the server.
 */
export async function describeOnServer(server: TestServer, traits: BlobStoreTraits): Promise<void> {
  const program = await findIfWanted(server);
  describe(server.name, () => {
    test(`is ${program === null ? 'left out, and not required' : 'there'}`, () => {
      expect(program !== null || !isRequired(server)).toBe(true);
    });
  });
  if (program === null) return;
  describeBlobStore(server.name, {
    traits,
    start: async () => {
      const running = await server.start(program);
      return {
        open: ({ bucket, prefix, wrongKeys }) => {
          const settings = { ...running.settings(bucket), prefix, timeoutMs: 20_000 };
          return createBlobStore(wrongKeys === true ? withWrongKeys(settings) : settings);
        },
        stop: () => running.stop(),
      };
    },
  });
}

function withWrongKeys(settings: BlobSettings): BlobSettings {
  if (settings.provider === 's3') return { ...settings, secretKey: 'wrong-secret' };
  if (settings.provider === 'azure') {
    return { ...settings, accountKey: Buffer.from('wrong-secret').toString('base64') };
  }
  return settings;
}
