import type { Readable, Writable } from 'node:stream';
import { pathsOf, type Environment } from '../config/environment.ts';

export interface HostOutput extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface HostInput extends Readable {
  readonly isTTY?: boolean;
}

/** The process, as the command line sees it; passed in, so that nothing below reads globals. */
export interface Host extends Environment {
  readonly stdin: HostInput;
  readonly stdout: HostOutput;
  readonly stderr: HostOutput;
}

/**
 * The first absolute path of those that the sources name: `HOME` may be empty or relative, and an account may have no
 * entry in the system's list. Empty when there is none.
 */
export function findHome(platform: NodeJS.Platform, sources: readonly (() => string)[]): string {
  for (const source of sources) {
    const home = valueOrUndefined(source);
    if (home !== undefined && pathsOf({ platform }).isAbsolute(home)) return home;
  }
  return '';
}

function valueOrUndefined(source: () => string): string | undefined {
  try {
    return source();
  } catch {
    return undefined;
  }
}
