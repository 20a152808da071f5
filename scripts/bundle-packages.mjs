// Selects the packages that are bundled into dist/, and writes their licences. Packages that are needed for the first
// answer are bundled, because reading one file is faster than finding and reading fifty.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const BUNDLED =
  /^(@modelcontextprotocol\/|croner$|fflate$|yaml$|zod(\/|$)|hono(\/|$)|@hono\/node-server(\/|$)|hono-rate-limiter$|lru-cache$|prom-client$)/;
const SDK_SHIMS = '@modelcontextprotocol/server/_shims';

/** Plugin of esbuild: bundles the packages in `BUNDLED`; every other package stays an import. */
export const bundlePackages = {
  name: 'bundle-packages',
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      if (kind === 'entry-point') return undefined;
      if (path === SDK_SHIMS) return { path: resolve('src/mcp/sdk-shims.ts') };
      return BUNDLED.test(path) || isPartOfBundled(importer) ? undefined : { path, external: true };
    });
  },
};

/** Licences of packages inside the SDK's own bundle. The SDK's package does not contain them. */
const INSIDE_THE_SDK = [
  ['@cfworker/json-schema 4.1.1 (MIT)', 'cfworker-json-schema.txt'],
  ['content-type 1.0.5 (MIT)', 'content-type.txt'],
];

/** True for imports of a bundled package: they are bundled with it. */
function isPartOfBundled(importer) {
  return importer.includes('node_modules');
}

/** Writes the licences of all packages that esbuild's metafiles name as inputs. */
export function writeLicences(metafiles, file) {
  const folders = metafiles
    .flatMap(({ inputs }) => Object.keys(inputs))
    .flatMap((input) => packageFolder(input) ?? []);
  const notices = [
    ...[...new Set(folders)].sort().map(packageNotice),
    ...INSIDE_THE_SDK.map(([title, text]) => notice(title, [join('scripts/licences', text)])),
  ];
  writeFileSync(file, `Parts of these packages are included in dist/.\n\n${notices.join('\n\n')}\n`);
}

function packageFolder(input) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

function packageNotice(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file));
  if (files.length === 0) throw new Error(`${name} has no licence file`);
  return notice(
    `${name} ${version} (${license})`,
    files.map((file) => join(folder, file)),
  );
}

function notice(title, files) {
  const texts = files.map((file) => readFileSync(file, 'utf8').trim());
  return [`${'='.repeat(80)}\n${title}\n`, ...texts].join('\n');
}
