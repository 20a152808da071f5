import { call } from './api.ts';
import type { Stats } from './types.ts';
import { useLoad } from './use-load.ts';

/**
 * The counts of the memories, kept up to date with what this page changes. Undefined until they are known.
 * @param key another one loads them again
 */
export function useStats(key = ''): Stats | undefined {
  return useLoad(key, (signal) => call<Stats>('GET', '/stats', { signal })).value;
}
