import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_RETENTION } from '../../../src/backup/repository/retention.ts';
import { resolveConfig, type ConfigInput } from '../../../src/config/resolve.ts';
import { settingList } from '../../../src/config/schema.ts';
import { ConfigurationError } from '../../../src/errors/input-errors.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function input(overrides: Partial<ConfigInput> = {}): ConfigInput {
  return {
    env: {},
    platform: 'linux',
    homeDirectory: '/home/ada',
    workingDirectory: '/home/ada/here',
    ...overrides,
  };
}

function withFile(content: unknown, overrides: Partial<ConfigInput> = {}): ConfigInput {
  const path = join(folder, 'config.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  const base = input(overrides);
  return { ...base, env: { MEMORY_CONFIG: path, ...base.env } };
}

function problemsOf(config: ConfigInput): string[] {
  try {
    resolveConfig(config);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('defaults', () => {
  test('are complete and say so', () => {
    const { settings, sources, warnings } = resolveConfig(input());
    expect(settings).toEqual({
      dataDir: '/home/ada/.local/share/faiss-memory',
      space: '',
      logLevel: 'warn',
      logFormat: 'text',
      project: '',
      projectPackages: false,
      textLimit: 100_000,
      trashDays: 30,
      hiddenDays: 30,
      timeZone: new Intl.DateTimeFormat().resolvedOptions().timeZone,
      secrets: 'mask',
      store: 'sqlite',
      database: { url: undefined, schema: 'faiss_memory', space: 'default' },
      conversations: { enabled: true, exclude: '', days: 0 },
      hooks: { promptMs: 300 },
      vectorIndex: 'auto',
      embedding: {
        provider: 'bundled',
        model: undefined,
        baseUrl: undefined,
        apiKey: undefined,
        dimension: undefined,
        runtime: 'auto',
        threads: undefined,
        secondModel: false,
        idleUnloadMinutes: 5,
        shared: true,
        tokenVectors: true,
        timeoutSeconds: 30,
        queryPrefix: undefined,
        passagePrefix: undefined,
        modelDirectory: undefined,
      },
      http: {
        host: '127.0.0.1',
        port: 8_765,
        token: undefined,
        readToken: undefined,
        allowedHosts: '',
        allowedOrigins: '',
        tlsCertificate: undefined,
        tlsKey: undefined,
        bodyLimitMiB: 16,
        concurrency: 32,
        drainSeconds: 0,
        queue: 256,
        rateLimit: 6_000,
      },
      auth: {
        mode: 'token',
        audience: '',
        scopeClaim: 'scope',
        personClaim: 'sub',
        nameClaim: 'name',
        groupsClaim: 'groups',
        groupScopes: '',
        localClients: false,
      },
      backup: { enabled: true, ...DEFAULT_RETENTION },
      sync: {
        enabled: false,
        provider: 's3',
        bucket: '',
        prefix: 'faiss-memory/',
        region: undefined,
        endpoint: undefined,
        accessKey: undefined,
        secretKey: undefined,
        passphrase: undefined,
        schedule: undefined,
        mode: 'backup',
        pathStyle: undefined,
        accountId: undefined,
      },
      team: {
        ...{ enabled: false, signUp: false, auditDays: 90, openSpaces: 200, idleMinutes: 15 },
        ...{ spaceMemories: 0, spaceMiB: 0, spaceRate: 0, personRate: 0, personSpaces: 0 },
      },
    });
    expect(Object.keys(sources)).toEqual(settingList.map(({ key }) => key));
    expect(new Set(Object.values(sources).map(({ kind }) => kind))).toEqual(new Set(['default']));
    expect(warnings).toEqual([]);
  });

  test.each([
    ['linux', {}, '/home/ada/.local/share/faiss-memory', '/home/ada/.config/faiss-memory/config.json'],
    [
      'linux',
      { XDG_DATA_HOME: '/x', XDG_CONFIG_HOME: '/c' },
      '/x/faiss-memory',
      '/c/faiss-memory/config.json',
    ],
    [
      'linux',
      { XDG_DATA_HOME: 'relative' },
      '/home/ada/.local/share/faiss-memory',
      '/home/ada/.config/faiss-memory/config.json',
    ],
    ['freebsd', {}, '/home/ada/.local/share/faiss-memory', '/home/ada/.config/faiss-memory/config.json'],
    [
      'darwin',
      { XDG_DATA_HOME: '/x' },
      '/home/ada/Library/Application Support/faiss-memory',
      '/home/ada/Library/Preferences/faiss-memory/config.json',
    ],
  ] as const)('follow the folders of %s with %o', (platform, env, dataDir, configFile) => {
    const resolved = resolveConfig(input({ platform, env }));
    expect(resolved.settings.dataDir).toBe(dataDir);
    expect(resolved.configFile).toBe(configFile);
  });

  test('follow the folders of Windows', () => {
    const homeDirectory = 'C:\\Users\\ada';
    const bare = resolveConfig(input({ platform: 'win32', homeDirectory }));
    expect(bare.settings.dataDir).toBe('C:\\Users\\ada\\AppData\\Local\\faiss-memory');
    expect(bare.configFile).toBe('C:\\Users\\ada\\AppData\\Roaming\\faiss-memory\\config.json');
    const env = { LOCALAPPDATA: 'D:\\local', APPDATA: 'D:\\roaming' };
    const moved = resolveConfig(input({ platform: 'win32', homeDirectory, env }));
    expect(moved.settings.dataDir).toBe('D:\\local\\faiss-memory');
    expect(moved.configFile).toBe('D:\\roaming\\faiss-memory\\config.json');
  });
});

describe('precedence', () => {
  test('is flags, environment, file, default, for each key by itself', () => {
    const config = withFile(
      { project: 'file', trashDays: 1, textLimit: 500, embedding: { threads: 3 } },
      {
        env: { MEMORY_PROJECT: 'environment', MEMORY_TRASH_DAYS: '2' },
        flags: { values: { project: 'flag' } },
      },
    );
    const { settings, sources } = resolveConfig(config);
    expect([settings.project, settings.trashDays, settings.textLimit]).toEqual(['flag', 2, 500]);
    expect(settings.embedding.threads).toBe(3);
    expect(sources['project']).toEqual({ kind: 'flag', flag: '--set' });
    expect(sources['trashDays']).toEqual({ kind: 'environment', variable: 'MEMORY_TRASH_DAYS' });
    expect(sources['embedding.threads']).toEqual({ kind: 'file', path: join(folder, 'config.json') });
    expect(sources['secrets']).toEqual({ kind: 'default' });
  });

  test('holds for every setting: each of its three sources beats the next', () => {
    const samples: Record<string, [string, string, string]> = {
      dataDir: ['/a', '/b', '/c'],
      timeZone: ['Asia/Tokyo', 'Europe/Berlin', 'UTC'],
      logLevel: ['error', 'info', 'debug'],
      logFormat: ['json', 'text', 'JSON'],
      secrets: ['mask', 'reject', 'allow'],
      store: ['sqlite', 'postgres', 'SQLite'],
      vectorIndex: ['wasm', 'node', 'exact'],
      'embedding.provider': ['openai', 'none', 'bundled'],
      'embedding.baseUrl': ['http://a', 'http://b', 'http://c'],
      'embedding.runtime': ['auto', 'wasm', 'native'],
      'embedding.threads': ['1', '2', '3'],
      'embedding.modelDirectory': ['/a', '/b', '/c'],
      'sync.provider': ['aws', 'b2', 'spaces'],
      'sync.endpoint': ['http://a', 'http://b', 'http://c'],
      'sync.schedule': ['@daily', '0 3 * * *', '*/5 * * * *'],
      'sync.keyFile': ['/a', '/b', '/c'],
      'sync.mode': ['backup', 'merge', 'Merge'],
      'http.allowedOrigins': ['http://a', 'http://b', 'http://c'],
      'http.tlsCertificate': ['/a', '/b', '/c'],
      'http.tlsKey': ['/a', '/b', '/c'],
      'auth.mode': ['token', 'embedded', 'Embedded'],
      'auth.publicUrl': ['http://a', 'http://b', 'http://c'],
      'auth.issuer': ['http://a', 'http://b', 'http://c'],
      'auth.groupScopes': ['a=memory:read', '*=memory:write', 'b=memory:admin'],
    };
    // Settings that are refused alone.
    const partners: Record<string, Record<string, string>> = {
      store: { MEMORY_DATABASE_URL: 'postgres://localhost/memories' },
      'sync.keyFile': { CLOUD_SYNC_PROVIDER: 'gcs' },
      'sync.projectId': { CLOUD_SYNC_PROVIDER: 'gcs' },
      'http.tlsCertificate': { MEMORY_HTTP_TLS_KEY: '/k' },
      'http.tlsKey': { MEMORY_HTTP_TLS_CERTIFICATE: '/k' },
    };
    for (const { key, setting } of settingList) {
      if (setting.secret) continue;
      const isNumber = /integer|number/.test(setting.kind.name);
      const isToggle = setting.kind.name === 'true or false';
      const usual = isNumber ? ['101', '102', '103'] : isToggle ? ['0', 'no', 'OFF'] : ['a', 'b', 'c'];
      const [flag = '', variable, file] = samples[key] ?? usual;
      const [group, name] = key.split('.');
      const content = name === undefined ? { [key]: file } : { [group ?? '']: { [name]: file } };
      const partner = partners[key] ?? {};
      const env = { ...partner, [setting.environmentVariable]: variable };
      const all = resolveConfig(withFile(content, { env, flags: { values: { [key]: flag } } }));
      expect([key, all.sources[key]?.kind]).toEqual([key, 'flag']);
      expect(resolveConfig(withFile(content, { env })).sources[key]?.kind).toBe('environment');
      expect(resolveConfig(withFile(content, { env: partner })).sources[key]?.kind).toBe('file');
    }
  });

  test('takes empty texts as unset in every source', () => {
    const config = withFile(
      { project: '', embedding: { model: '' } },
      {
        env: { MEMORY_PROJECT: '', MEMORY_LOG_LEVEL: '' },
        flags: { configFile: '', values: { logLevel: '' } },
      },
    );
    const { sources } = resolveConfig(config);
    expect(new Set(Object.values(sources).map(({ kind }) => kind))).toEqual(new Set(['default']));
  });
});

describe('paths', () => {
  test('start at the place where they are written', () => {
    const fromFile = resolveConfig(withFile({ dataDir: 'memories' }));
    expect(fromFile.settings.dataDir).toBe(join(folder, 'memories'));
    const fromFlag = resolveConfig(input({ flags: { values: { dataDir: '../memories' } } }));
    expect(fromFlag.settings.dataDir).toBe('/home/ada/memories');
  });

  test('may start with ~ everywhere', () => {
    expect(resolveConfig(input({ env: { MEMORY_DATA_DIR: '~/m' } })).settings.dataDir).toBe('/home/ada/m');
    expect(resolveConfig(input({ env: { MEMORY_DATA_DIR: '~' } })).settings.dataDir).toBe('/home/ada');
    expect(resolveConfig(withFile({ dataDir: '~/m' })).settings.dataDir).toBe('/home/ada/m');
  });

  test('may not be relative in the environment, where nobody knows the working directory', () => {
    expect(problemsOf(input({ env: { MEMORY_DATA_DIR: 'memories' } }))).toEqual([
      'dataDir is "memories" (environment variable MEMORY_DATA_DIR); allowed is the path of a folder that is absolute or starts with ~/ (relative paths are allowed in config.json and flags only)',
    ]);
  });
});

describe('errors', () => {
  test('name key, value, source and what is allowed, all at once', () => {
    const config = withFile(
      { secrets: 'hide', embeding: {}, embedding: { threads: 2.5, modle: 'x' } },
      {
        env: { MEMORY_TRASH_DAYS: 'many' },
        flags: { values: { logLevel: 'loud', 'embeddings.runtime': 'wasm' } },
      },
    );
    const file = `config file ${join(folder, 'config.json')}`;
    expect(problemsOf(config).sort()).toEqual(
      [
        'embeddings.runtime is not a setting (flag --set); did you mean embedding.runtime?',
        `embeding is not a setting (${file}); allowed are ${settingList.flatMap(({ key, setting }) => (setting.secret ? [key, `${key}File`] : [key])).join(', ')}`,
        `embedding.modle is not a setting (${file}); did you mean embedding.model?`,
        'logLevel is "loud" (flag --log-level); allowed is one of error, warn, info, debug',
        'trashDays is "many" (environment variable MEMORY_TRASH_DAYS); allowed is a number from 0 to 36500',
        `secrets is "hide" (${file}); allowed is one of mask, reject, allow`,
        `embedding.threads is 2.5 (${file}); allowed is an integer from 1 to 64`,
      ].sort(),
    );
  });

  test.each([
    ['[]', 'holds []; '],
    ['"x"', 'holds "x"'],
    ['{"project": 1}', 'project is 1 '],
    ['{"project": null}', 'project is null '],
    ['{"embedding": "none"}', 'embedding is "none"'],
    ['{"__proto__": {"project": "x"}}', '__proto__ is not a setting'],
    ['{"constructor": 1}', 'constructor is not a setting'],
    ['{ // comment\n}', 'is not valid JSON'],
    ['', 'is not valid JSON'],
  ])('refuse the config file %j', (content, message) => {
    const [first] = problemsOf(withFile(content));
    expect(first).toContain(message.replace('; ', ''));
  });

  test('refuse a named config file that is missing, and accept a missing default one', () => {
    const missing = join(folder, 'nowhere.json');
    expect(problemsOf(input({ env: { MEMORY_CONFIG: missing } }))[0]).toContain(`${missing} cannot be read`);
    expect(problemsOf(input({ flags: { configFile: missing } }))[0]).toContain('cannot be read');
    expect(problemsOf(input({ env: { MEMORY_CONFIG: 'relative.json' } }))[0]).toContain(
      'environment variable MEMORY_CONFIG',
    );
    expect(problemsOf(input({ homeDirectory: folder }))).toEqual([]);
  });

  test('refuse endpoints with credentials or queries in the address', () => {
    for (const address of ['ftp://a', 'http://user:pass@a', 'http://a?key=1', 'nonsense', 'http://a#x']) {
      expect(problemsOf(input({ env: { MEMORY_EMBEDDING_BASE_URL: address } }))).toHaveLength(1);
    }
    const ok = resolveConfig(input({ env: { MEMORY_EMBEDDING_BASE_URL: 'http://127.0.0.1:1/v1/' } }));
    expect(ok.settings.embedding.baseUrl).toBe('http://127.0.0.1:1/v1');
  });

  test('are the only exception for any JSON in the file', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (content) => {
        const lines = problemsOf(withFile(JSON.stringify(content)));
        expect(lines.every((line) => line.length > 0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('the environment', () => {
  test('warns about unknown MEMORY_ and CLOUD_SYNC_ names, and leaves others alone', () => {
    const env = { MEMORY_DATADIR: '/x', MEMORY_FILE_PATH: '/x', CLOUD_SYNC_BUKET: 'b', PATH: '/bin' };
    expect(resolveConfig(input({ env })).warnings).toEqual([
      'The environment variable MEMORY_DATADIR is not a setting of faiss-memory; did you mean MEMORY_DATA_DIR?',
      'The environment variable MEMORY_FILE_PATH is not a setting of faiss-memory; it has no effect',
      'The environment variable CLOUD_SYNC_BUKET is not a setting of faiss-memory; did you mean CLOUD_SYNC_BUCKET?',
    ]);
  });
});

describe('secrets', () => {
  const key = 'sk-the-secret';

  test('come from the environment, the file, or a file of their own', () => {
    const secretFile = join(folder, 'key.txt');
    writeFileSync(secretFile, `${key}\n`);
    const configs = [
      input({ env: { MEMORY_EMBEDDING_API_KEY: key } }),
      input({ env: { MEMORY_EMBEDDING_API_KEY_FILE: secretFile } }),
      withFile({ embedding: { apiKey: key } }),
      withFile({ embedding: { apiKeyFile: 'key.txt' } }),
    ];
    for (const config of configs) {
      const { settings } = resolveConfig(config);
      expect(settings.embedding.apiKey?.reveal()).toBe(key);
      expect(JSON.stringify(settings)).not.toContain(key);
    }
  });

  test('may not come by flag, nor twice from one source, nor from an empty file', () => {
    const empty = join(folder, 'empty.txt');
    writeFileSync(empty, '\n');
    expect(problemsOf(input({ flags: { values: { 'embedding.apiKey': key } } }))[0]).toContain('is a secret');
    const both = { MEMORY_EMBEDDING_API_KEY: key, MEMORY_EMBEDDING_API_KEY_FILE: empty };
    expect(problemsOf(input({ env: both }))[0]).toContain('both directly and as a file');
    expect(problemsOf(input({ env: { MEMORY_EMBEDDING_API_KEY_FILE: empty } }))[0]).toContain(
      'empty or cannot be read',
    );
  });

  test('never show in an error', () => {
    const lines = problemsOf(withFile({ embedding: { apiKey: [key] } })).join();
    expect(lines).toContain('embedding.apiKey');
    expect(lines).not.toContain(key);
  });
});
