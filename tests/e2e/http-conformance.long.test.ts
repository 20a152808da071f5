import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ConformanceReport, problems, runConformance } from '../helpers/conformance/run-conformance.ts';
import { launchServer, type RunningHttpServer } from '../helpers/http-server.ts';

/** The scenarios that need no tools of the suite's own, with how many checks succeed. */
const SCENARIOS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  '2025-06-18': {
    'server-initialize': 3,
    'server-session-lifecycle': 3,
    ping: 2,
    'tools-list': 2,
    'resources-list': 2,
    'prompts-list': 2,
  },
  '2025-11-25': {
    'server-initialize': 3,
    'server-session-lifecycle': 3,
    'server-sse-multiple-streams': 2,
    ping: 2,
    'tools-list': 3,
    'resources-list': 2,
    'prompts-list': 2,
    'dns-rebinding-protection': 2,
  },
  '2026-07-28': {
    'server-stateless': 24,
    'server-sse-multiple-streams': 1,
    'tools-list': 4,
    'resources-list': 2,
    'prompts-list': 2,
    'dns-rebinding-protection': 2,
    caching: 8,
    'http-header-validation': 14,
    'sep-2164-resource-not-found': 4,
    'input-required-result-unsupported-methods': 2,
    'input-required-result-validate-input': 3,
  },
};

/** What the suite cannot see without tools of its own; the other test gives it those. */
const UNSEEN: Readonly<Record<string, readonly string[]>> = {
  'server-stateless': [
    'FAILURE sep-2575-server-rejects-undeclared-capability',
    'FAILURE sep-2575-missing-capability-http-400',
    'FAILURE sep-2575-http-server-no-independent-requests-on-stream',
    'FAILURE sep-2575-server-no-log-without-loglevel',
    'SKIPPED sep-2575-server-sends-prompts-list-changed-on-subscription',
    'SKIPPED sep-2575-server-sends-tools-list-changed-on-subscription',
  ],
};

let server: RunningHttpServer;
beforeAll(async () => {
  server = await launchServer();
});
afterAll(async () => {
  await server.stop();
});

describe.each(Object.entries(SCENARIOS))('the built server in the protocol %s', (version, scenarios) => {
  let report: ConformanceReport;
  beforeAll(async () => {
    report = await runConformance(`${server.address}/mcp`, version);
  });

  test.each(Object.entries(scenarios))('conforms in %s', (name, succeeding) => {
    const checks = report.get(name) ?? [];
    expect(problems(checks).sort()).toEqual([...(UNSEEN[name] ?? [])].sort());
    expect(checks.filter(({ status }) => status === 'SUCCESS')).toHaveLength(succeeding);
  });

  test('sends only messages that fit the schema of the protocol', () => {
    const messages = [...report].flatMap(([name, checks]) =>
      checks.filter(({ id }) => id === 'wire-schema-valid').map(({ status }) => `${status} ${name}`),
    );
    expect(messages.length).toBeGreaterThan(20);
    expect(messages.filter((line) => !line.startsWith('SUCCESS'))).toEqual([]);
  });
});
