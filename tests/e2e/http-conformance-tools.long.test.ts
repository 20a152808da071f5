import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FixtureServer, startFixtureServer } from '../helpers/conformance/fixture-server.ts';
import {
  type ConformanceReport,
  problems,
  requiredScenarios,
  runConformance,
} from '../helpers/conformance/run-conformance.ts';

interface ExpectedProblem {
  readonly version: string;
  readonly scenario: string;
  /** `STATUS id` of the check. */
  readonly check: string;
  readonly reason: string;
}

const KEEPS_NO_EVENTS =
  'Answers are not kept for clients that lost their connection, so no event carries an id to resume from. The suite only recommends it.';
const LISTS_NEVER_CHANGE =
  'The lists of tools and prompts never change while the server runs, which it says, so there is nothing to notify of.';

/** All that does not pass. A test fails as soon as one of them passes, or another one does not. */
const expectedProblems: readonly ExpectedProblem[] = [
  {
    version: '2025-11-25',
    scenario: 'server-sse-polling',
    check: 'WARNING server-sse-priming-event',
    reason: KEEPS_NO_EVENTS,
  },
  {
    version: '2025-11-25',
    scenario: 'server-sse-polling',
    check: 'WARNING server-sse-retry-field',
    reason: KEEPS_NO_EVENTS,
  },
  {
    version: '2026-07-28',
    scenario: 'server-stateless',
    check: 'SKIPPED sep-2575-server-sends-prompts-list-changed-on-subscription',
    reason: LISTS_NEVER_CHANGE,
  },
  {
    version: '2026-07-28',
    scenario: 'server-stateless',
    check: 'SKIPPED sep-2575-server-sends-tools-list-changed-on-subscription',
    reason: LISTS_NEVER_CHANGE,
  },
];

/** How many scenarios a server of the protocol must pass, and how many checks succeeded when this was written. */
const VERSIONS = [
  // The suite has no list for this one.
  { version: '2025-06-18', required: 0, succeeding: 56 },
  { version: '2025-11-25', required: 30, succeeding: 81 },
  { version: '2026-07-28', required: 37, succeeding: 150 },
];

let server: FixtureServer;
beforeAll(async () => {
  server = await startFixtureServer();
});
afterAll(async () => {
  await server.stop();
});

describe.each(VERSIONS)('the HTTP endpoint in the protocol $version', ({ version, required, succeeding }) => {
  let report: ConformanceReport;
  beforeAll(async () => {
    report = await runConformance(`${server.address}/mcp`, version);
  });

  test('passes every check of the suite but those expected', () => {
    const found = [...report].flatMap(([scenario, made]) =>
      problems(made).map((check) => ({ scenario, check })),
    );
    const expected = expectedProblems
      .filter((problem) => problem.version === version)
      .map(({ scenario, check }) => ({ scenario, check }));
    expect(found).toHaveLength(expected.length);
    expect(found).toEqual(expect.arrayContaining(expected));
  });

  test('was seen in all that the protocol requires of servers', () => {
    const scenarios = requiredScenarios(version);
    expect(scenarios).toHaveLength(required);
    expect(scenarios.filter((scenario) => !report.has(scenario))).toEqual([]);
  });

  test('passes as many checks as documented', () => {
    const passed = [...report.values()].flat().filter(({ status }) => status === 'SUCCESS');
    expect(passed.length).toBe(succeeding);
  });
});

test('each expected problem is documented with its reason', () => {
  const rows = readFileSync('docs/conformance.md', 'utf8').split('\n');
  for (const { version, scenario, check, reason } of expectedProblems) {
    const row = rows.find((line) => line.includes(version) && line.includes(`\`${check}\``));
    expect(row).toContain(`\`${scenario}\``);
    expect(row).toContain(reason);
  }
});
