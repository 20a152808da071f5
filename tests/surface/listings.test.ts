import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { settingList } from '../../src/config/schema.ts';
import { resolveConfig } from '../../src/config/resolve.ts';

interface Field {
  readonly sensitive?: boolean;
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly server: { readonly mcp_config: { readonly env: Readonly<Record<string, string>> } };
  readonly user_config: Readonly<Record<string, Field>>;
}

interface Variable {
  readonly name: string;
  readonly isSecret?: boolean;
}

interface ServerJson {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly packages: readonly {
    readonly identifier: string;
    readonly version: string;
    readonly environmentVariables: readonly Variable[];
  }[];
}

function read(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

const packageJson = read('package.json') as { name: string; version: string; mcpName: string };
const manifest = read('packaging/mcpb/manifest.json') as Manifest;
const serverJson = read('server.json') as ServerJson;
const secrets = new Map(settingList.map(({ setting }) => [setting.environmentVariable, setting.secret]));

describe('the bundle and the entry for the registry', () => {
  test('are of the same version and name as the package', () => {
    expect([manifest.name, manifest.version]).toEqual([packageJson.name, packageJson.version]);
    expect([serverJson.name, serverJson.version]).toEqual([packageJson.mcpName, packageJson.version]);
    expect(serverJson.packages).toMatchObject([
      { identifier: packageJson.name, version: packageJson.version },
    ]);
  });

  test('keep to the limits of the registry', () => {
    expect(serverJson.name).toMatch(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/);
    expect(serverJson.description.length).toBeLessThanOrEqual(100);
  });

  test('set variables that are settings, and hide those that are secrets', () => {
    for (const { name, isSecret = false } of serverJson.packages.flatMap(
      (entry) => entry.environmentVariables,
    )) {
      expect(secrets.get(name), name).toBe(isSecret);
    }
    for (const [name, value] of Object.entries(manifest.server.mcp_config.env)) {
      const field = /^\$\{user_config\.(\w+)\}$/.exec(value)?.[1] ?? '';
      expect(manifest.user_config, name).toHaveProperty(field);
      expect(secrets.has(name), name).toBe(true);
      if (secrets.get(name) === true) expect(manifest.user_config[field]?.sensitive, name).toBe(true);
    }
  });

  test('may leave every field of the bundle empty', () => {
    const { env } = manifest.server.mcp_config;
    const ada = { platform: 'linux', homeDirectory: '/home/ada', workingDirectory: '/' } as const;
    expect(resolveConfig({ ...ada, env })).toEqual(resolveConfig({ ...ada, env: {} }));
  });
});
