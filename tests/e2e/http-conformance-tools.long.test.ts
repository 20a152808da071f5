import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedProblems } from '../helpers/conformance/expected-problems.ts';
import { type FixtureServer, startFixtureServer } from '../helpers/conformance/fixture-server.ts';
import {
  type ConformanceReport,
  problems,
  requiredScenarios,
  runConformance,
} from '../helpers/conformance/run-conformance.ts';

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

  it('passes every check of the suite but those expected', () => {
    const found = [...report].flatMap(([scenario, made]) =>
      problems(made).map((check) => ({ scenario, check })),
    );
    const expected = expectedProblems
      .filter((problem) => problem.version === version)
      .map(({ scenario, check }) => ({ scenario, check }));
    expect(found).toHaveLength(expected.length);
    expect(found).toEqual(expect.arrayContaining(expected));
  });

  it('was seen in all that the protocol requires of servers', () => {
    const scenarios = requiredScenarios(version);
    expect(scenarios).toHaveLength(required);
    expect(scenarios.filter((scenario) => !report.has(scenario))).toEqual([]);
  });

  it('passes as many checks as documented', () => {
    const passed = [...report.values()].flat().filter(({ status }) => status === 'SUCCESS');
    expect(passed.length).toBe(succeeding);
  });
});

it('each expected problem is documented with its reason', () => {
  const rows = readFileSync('docs/conformance.md', 'utf8').split('\n');
  for (const { version, scenario, check, reason } of expectedProblems) {
    const row = rows.find((line) => line.includes(version) && line.includes(`\`${check}\``));
    expect(row).toContain(`\`${scenario}\``);
    expect(row).toContain(reason);
  }
});
