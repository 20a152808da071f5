import type { Finding } from './check.ts';

/** The program itself refuses older versions; this names the one in use. */
export function checkNode(): Finding {
  return { check: 'node', status: 'ok', message: `Node.js ${process.version} (${process.execPath})` };
}
