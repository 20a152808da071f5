import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

interface Component {
  readonly type: 'library';
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly { readonly license: { readonly id: string } }[];
}

/** One line a package of the notices: `name version (licence)`. */
const NOTICE = /^={80}\n(\S+) (\S+) \(([^)]+)\)$/gm;

/**
 * The software bill of materials in CycloneDX form: what npm installs for a user, and the packages whose code is
 * inside `dist/`, which npm does not know of.
 */
export function billOfMaterials(): object {
  const options = ['--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'];
  const text = execFileSync('npm', ['sbom', ...options], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  const bill = JSON.parse(text) as { readonly components?: readonly object[] };
  return { ...bill, components: [...(bill.components ?? []), ...bundledComponents()] };
}

export function bundledComponents(): Component[] {
  const notices = readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8');
  return [...notices.matchAll(NOTICE)].map(([, name = '', version = '', licence = '']) => ({
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    licenses: [{ license: { id: licence } }],
  }));
}
