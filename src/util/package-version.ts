import { readFileSync } from 'node:fs';
import { packagePath } from './package-path.ts';

/** Version of this package. */
export function packageVersion(): string {
  // The package's own manifest: npm guarantees the field.
  const { version } = JSON.parse(readFileSync(packagePath('package.json'), 'utf8')) as { version: string };
  return version;
}
