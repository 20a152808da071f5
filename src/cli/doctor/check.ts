import type { App } from '../../app.ts';
import type { Settings } from '../../config/schema.ts';
import type { Host } from '../host.ts';

/** What a check has to say about one thing. */
export interface Finding {
  /** The thing, for example `database`. */
  readonly check: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** What checks look at. */
export interface DoctorSubject {
  readonly host: Host;
  readonly settings: Settings;
  /** Opens the services. */
  readonly app: () => Promise<App>;
}

/** Examines one area and changes nothing in it; what it throws becomes a failed finding. */
export interface Check {
  readonly name: string;
  /** Not run when the data folder cannot be used. */
  readonly needsFolder?: boolean;
  /** What it waits for and what to do when that does not end. */
  readonly waitsFor: { readonly what: string; readonly fix: string };
  readonly run: (subject: DoctorSubject) => Promise<readonly Finding[]>;
}
