import type { Settings } from '../config/schema.ts';
import { startWorkerStore } from '../store/worker/client.ts';
import type { App } from './app.ts';
import { storeSettings } from './store-settings.ts';

/**
 * `createApp` for a process whose first call is waiting: the thread of the store starts while this one still loads the
 * services, which takes as long.
 */
export async function startApp(settings: Settings): Promise<App> {
  const hosted = startWorkerStore(storeSettings(settings));
  hosted.start();
  const { composeApp } = await import('./app.ts');
  return composeApp(settings, {}, hosted);
}
