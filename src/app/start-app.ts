import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { seemsServed } from '../embedding/shared/meeting-place.ts';
import { NoSuchError } from '../errors/people-errors.ts';
import { SPACE_ID } from '../people/people-store.ts';
import { startWorkerStore } from '../store/worker/client.ts';
import type { App, AppOptions } from './app.ts';
import { storeSettings } from './store-settings.ts';

/** Folder of the spaces of a team, inside the data folder of its server. */
export const SPACES_FOLDER = 'spaces';

export interface StartOptions extends AppOptions {
  /** True = calls for the memories of the data folder, which are a space of a team too, are in its audit log. Default false. */
  readonly isAudited?: boolean;
}

/**
 * `createApp` for a process whose first call is waiting: the thread of the store starts while this one still loads the
 * services, which takes as long. With `space` in the settings it is about that space, whose audit log has its calls.
 */
export async function startApp(all: Settings, options: StartOptions = {}): Promise<App> {
  const settings = all.space === '' ? all : settingsOfSpace(all, all.space);
  const ofTeam = all.space !== '';
  const place = { ...storeSettings(settings, ofTeam ? 'team' : undefined), mustExist: ofTeam };
  const hosted = startWorkerStore(place, undefined, options.tracer);
  // The process that has the model does the searches for this one.
  const { shared, provider } = settings.embedding;
  const isShared = shared && (provider === 'bundled' || provider === 'local');
  hosted.start({ searches: !(isShared && seemsServed(settings.dataDir)) });
  const { composeApp } = await import('./app.ts');
  const app = composeApp(settings, options, hosted);
  if (!ofTeam && options.isAudited !== true) return app;
  const { auditedApp } = await import('./audited-app.ts');
  return auditedApp(app, all, ofTeam ? all.space : 'default');
}

/** The folder of a space's memories. @throws NoSuchError for a text that cannot be an id */
export function spaceFolder(dataDir: string, space: string): string {
  if (!SPACE_ID.test(space)) throw new NoSuchError('space', space);
  return join(dataDir, SPACES_FOLDER, space);
}

/** The settings of an app for one space: its own folder, its rows of a shared database, and no remote. */
export function settingsOfSpace(settings: Settings, space: string): Settings {
  const sync = { ...settings.sync, enabled: false, bucket: '', schedule: undefined };
  const dataDir = spaceFolder(settings.dataDir, space);
  return { ...settings, space: '', dataDir, sync, database: { ...settings.database, space } };
}
