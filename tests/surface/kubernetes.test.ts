import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { resolveConfig } from '../../src/config/resolve.ts';
import { settingList } from '../../src/config/schema.ts';

const FOLDER = 'deploy/kubernetes';
const KINDS = { Deployment, Ingress, NetworkPolicy, PodDisruptionBudget, Secret, Service };

interface Manifest {
  readonly kind: keyof typeof KINDS;
  readonly apiVersion: string;
  readonly metadata: { readonly name: string };
}

const manifests = readdirSync(FOLDER).flatMap((name) =>
  parseAllDocuments(readFileSync(join(FOLDER, name), 'utf8')).map((document) => document.toJS() as Manifest),
);

/** @throws the errors of the schema of Kubernetes */
function validate(manifest: Manifest): void {
  // The schema decides whether it is one.
  new KINDS[manifest.kind](manifest).validate();
}

function only<Kind extends keyof typeof KINDS>(kind: Kind): InstanceType<(typeof KINDS)[Kind]> {
  const [manifest] = manifests.filter((one) => one.kind === kind);
  if (manifest === undefined) throw new Error(`there is no ${kind}`);
  return manifest as unknown as InstanceType<(typeof KINDS)[Kind]>;
}

describe('the manifests for Kubernetes', () => {
  test.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    'have a %s that fits its schema',
    (_, manifest) => {
      validate(manifest);
      expect(manifest.apiVersion).toBe(new KINDS[manifest.kind]().apiVersion);
    },
  );

  test('would not fit with a wrong field or value', () => {
    const deployment = structuredClone(only('Deployment')) as unknown as Record<
      string,
      Record<string, unknown>
    >;
    expect(() => {
      validate({ ...deployment, spec: { ...deployment['spec'], replicas: 'two' } } as unknown as Manifest);
    }).toThrow('replicas');
    expect(() => {
      validate({
        ...deployment,
        spec: { ...deployment['spec'], selector: undefined },
      } as unknown as Manifest);
    }).toThrow('selector');
  });

  test('name only settings that exist, with values that the program accepts', () => {
    const [container] = only('Deployment').spec?.template.spec?.containers ?? [];
    const known = new Set(
      settingList.flatMap(({ setting: { environmentVariable: name, secret } }) =>
        secret ? [name, `${name}_FILE`] : [name],
      ),
    );
    const given = container?.env ?? [];
    expect(given.map(({ name }) => name).filter((name) => !known.has(name))).toEqual([]);
    const env = Object.fromEntries(
      given.map(({ name, value = '' }) =>
        name.endsWith('_FILE')
          ? [name.replace(/_FILE$/, ''), 'postgres://a-secret-of-the-tests/db']
          : [name, value],
      ),
    );
    const machine = { platform: 'linux', homeDirectory: '/home/ada', workingDirectory: '/' } as const;
    const { settings } = resolveConfig({ ...machine, env });
    const grace = only('Deployment').spec?.template.spec?.terminationGracePeriodSeconds ?? 0;
    // Requests under way get 20 seconds, the last work 10.
    expect(grace).toBeGreaterThan(settings.http.drainSeconds + 30);
    const files = given.flatMap(({ value = '' }) =>
      value.startsWith('/run/') ? [value.split('/').at(-1)] : [],
    );
    expect(Object.keys(only('Secret').stringData ?? {})).toEqual(expect.arrayContaining(files));
  });

  test('keep to the restricted profile, and replace pods without a gap', () => {
    const { spec } = only('Deployment');
    expect(spec?.strategy).toEqual({
      type: 'RollingUpdate',
      rollingUpdate: { maxUnavailable: 0, maxSurge: 1 },
    });
    const pod = spec?.template.spec;
    expect(pod?.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    });
    for (const {
      securityContext,
      resources,
      readinessProbe,
      livenessProbe,
      startupProbe,
    } of pod?.containers ?? []) {
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(resources?.limits?.['memory']).toBe('1Gi');
      expect(readinessProbe?.httpGet?.path).toBe('/health/ready');
      expect(startupProbe?.httpGet?.path).toBe('/health/ready');
      // One that kills pods must not ask for the database.
      expect(livenessProbe?.httpGet?.path).toBe('/health/live');
    }
    const labels = spec?.selector.matchLabels;
    expect(spec?.template.metadata?.labels).toEqual(labels);
    expect(only('Service').spec?.selector).toEqual(labels);
    expect(only('PodDisruptionBudget').spec?.selector?.matchLabels).toEqual(labels);
    expect(only('NetworkPolicy').spec?.podSelector.matchLabels).toEqual(labels);
  });
});
