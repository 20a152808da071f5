import type { Settings } from '../config/schema.ts';
import type { StoreWorkerSettings } from '../store/worker/protocol.ts';

/**
 * The store that the settings ask for: in the data folder, or a space of a shared database.
 * @param whose `team` = see `SharedDatabase.ofTeam`
 */
export function storeSettings(
  { dataDir, vectorIndex, store, database }: Settings,
  whose?: 'team',
): StoreWorkerSettings {
  const url = database.url?.reveal();
  // Settings without the address are refused.
  if (store !== 'postgres' || url === undefined) return { dataDir, vectorIndex };
  const { schema, space } = database;
  return { dataDir, vectorIndex, database: { url, schema, space, ofTeam: whose === 'team' } };
}
