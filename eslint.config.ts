import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

const folders = [
  'api',
  'app',
  'auth',
  'backup',
  'bin',
  'blob',
  'cli',
  'config',
  'embedding',
  'errors',
  'http',
  'import-export',
  'mcp',
  'memory',
  'memory-tool',
  'people',
  'recall',
  'secrets',
  'store',
  'sync',
  'ui',
  'util',
  'vector',
];

/** For each folder of src: the folders it may import besides itself, `errors` and `util`. */
const mayImport: Record<string, string[]> = {
  api: ['memory', 'import-export/import-report.ts', 'backup/backup-api.ts', 'sync/sync-api.ts'],
  // The only composer: it names every adapter.
  app: [
    'auth',
    'backup',
    'blob',
    'config',
    'embedding',
    'memory',
    'people',
    'recall',
    'secrets',
    'store',
    'sync',
    'api/services.ts',
  ],
  // Who calls.
  auth: ['store/sqlite/engine.ts', 'store/postgres/database.ts', 'store/postgres/prepared-database.ts'],
  backup: ['memory'],
  bin: ['cli'],
  blob: [],
  cli: [
    'api',
    'config',
    'memory',
    'mcp',
    'http',
    'import-export',
    'people',
    'recall',
    'backup/backup-api.ts',
    'sync/sync-api.ts',
  ],
  config: [],
  embedding: [],
  // A message is one line, whatever it quotes.
  errors: ['util/visible-text.ts'],
  http: [
    'api',
    'mcp/http-endpoint.ts',
    'auth/protected-resource.ts',
    'auth/sign-in.ts',
    'auth/sign-in-pages.ts',
    'memory',
    'people',
    'import-export',
    'backup/backup-api.ts',
    'sync/sync-api.ts',
  ],
  'import-export': ['memory'],
  mcp: ['api', 'memory', 'import-export', 'backup/backup-api.ts', 'sync/sync-api.ts'],
  // The backfill packs vectors as the store keeps them.
  memory: ['embedding/quantization.ts', 'embedding/late-interaction.ts'],
  'memory-tool': ['memory'],
  // What callers may do where.
  people: [
    'auth/principal.ts',
    'memory/confirmation.ts',
    'store/sqlite/connection.ts',
    'store/sqlite/sqlite-errors.ts',
    'store/postgres/database.ts',
    'store/postgres/prepared-database.ts',
  ],
  recall: ['memory', 'api/answer-size.ts'],
  secrets: ['memory'],
  store: ['memory', 'embedding/quantization.ts', 'embedding/late-interaction.ts'],
  sync: ['backup', 'memory'],
  // Talks to the HTTP API only, from a browser.
  ui: [],
  util: [],
  vector: ['embedding/quantization.ts'],
};

/** Files outside a folder's own that it may import all the same: ports are shared, adapters are not. */
const ports = [
  'store/memory-store.ts',
  'store/replica-store.ts',
  'backup/ports.ts',
  'blob/blob-store.ts',
  'blob/probe/probe-finding.ts',
  'vector/vector-index.ts',
  'embedding/embedder.ts',
  'secrets/secret-scanner.ts',
  'auth/principal.ts',
];

/** Folders that may import the composition root. */
const composers = new Set(['bin', 'cli']);

const zones = folders.map((folder) => {
  const shared = folder === 'errors' ? [] : ['errors', 'util', ...ports, 'logger.ts'];
  return {
    target: `./src/${folder}`,
    from: './src',
    except: [
      ...new Set([
        folder,
        ...shared,
        ...(mayImport[folder] ?? []),
        ...(composers.has(folder)
          ? [
              ...[
                'app/app.ts',
                'app/callers.ts',
                'app/start-app.ts',
                'app/team.ts',
                'app/move.ts',
                'app/move-team.ts',
                'app/open-tracer.ts',
              ],
              ...['app/models.ts', 'app/ask-server.ts', 'app/search-from-server.ts'],
            ]
          : []),
      ]),
    ].map((path) => `./${path}`),
    message: `src/${folder} may not import this; see docs/architecture.md, "Who may import whom".`,
  };
});

export default defineConfig(
  { ignores: ['dist', '.cache', 'coverage', 'node_modules', 'vendor', 'integrations', 'tests/fixtures'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createNodeResolver({ extensions: ['.ts', '.mjs', '.js'] })] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-default-export': 'error',
      'max-lines': ['error', { max: 400, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['warn', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', 3],
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
    },
  },
  {
    files: ['tests/**', 'bench/**', 'scripts/**', 'examples/**', '*.config.ts'],
    rules: {
      'no-console': 'off',
      'max-lines-per-function': 'off',
      'import-x/no-default-export': 'off',
      'import-x/no-restricted-paths': 'off',
      'max-params': 'off',
    },
  },
  {
    files: ['tests/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'vitest', importNames: ['it'], message: 'A test is called test.' }] },
      ],
    },
  },
  {
    // Most lines of a component are its markup.
    files: ['src/ui/**/*.tsx'],
    rules: { 'max-lines-per-function': ['warn', { max: 80, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['**/*.mjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
  },
);
