import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

const CANDIDATES = [process.env['CHROMIUM'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Path of a Chromium of the system; undefined when there is none. */
function findChromium(): string | undefined {
  return CANDIDATES.find((path) => path !== undefined && existsSync(path));
}

/** False: tests in a browser are left out, unless `REQUIRE_CHROMIUM` is set; then they fail. */
export const hasBrowser = findChromium() !== undefined || process.env['REQUIRE_CHROMIUM'] !== undefined;

/** A real browser without a window. @param args further arguments of Chromium */
export async function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined)
    throw new Error(
      'There is no Chromium; install the Debian package "chromium" or set CHROMIUM to its path',
    );
  // Containers, and root, have no name spaces for its sandbox.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', ...args] });
}
