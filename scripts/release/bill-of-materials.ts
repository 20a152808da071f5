import { readFileSync } from 'node:fs';
import { findProgram } from '../../src/cli/install/program-copy.ts';

interface Component {
  readonly type: 'library';
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly { readonly license: { readonly name: string } }[];
}

/** One line a package of the notices: `name version (licence)`. */
const NOTICE = /^={80}\n(\S+) (\S+) \(([^)]+)\)$/gm;

/**
 * The software bill of materials in CycloneDX form: the packages that a user gets beside the program, and those whose
 * code is inside `dist/`. It has no time and no random number, so the same commit gives the same bytes.
 */
export function billOfMaterials(version: string): object {
  const component = {
    type: 'application',
    name: 'faiss-memory',
    version,
    purl: packageUrl('faiss-memory', version),
  };
  const components = [...installedComponents(), ...bundledComponents()].sort((a, b) =>
    a.purl < b.purl ? -1 : 1,
  );
  return { bomFormat: 'CycloneDX', specVersion: '1.5', version: 1, metadata: { component }, components };
}

function installedComponents(): Component[] {
  return findProgram('.')
    .packages.filter(({ name }) => name !== 'faiss-memory')
    .map(({ name, version, from }) => {
      const { license } = JSON.parse(readFileSync(`${from}/package.json`, 'utf8')) as { license?: string };
      return describe({ name, version, licence: license ?? 'unknown' });
    });
}

function bundledComponents(): Component[] {
  const notices = readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8');
  return [...notices.matchAll(NOTICE)].map(([, name = '', version = '', licence = '']) =>
    describe({ name, version, licence }),
  );
}

function describe({ name, version, licence }: { name: string; version: string; licence: string }): Component {
  return {
    type: 'library',
    name,
    version,
    purl: packageUrl(name, version),
    licenses: [{ license: { name: licence } }],
  };
}

function packageUrl(name: string, version: string): string {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}
