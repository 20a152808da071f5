import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { Admission } from '../../../src/http/guards/admission.ts';
import { Metrics } from '../../../src/http/metrics.ts';
import { SpaceMetrics } from '../../../src/http/space-metrics.ts';
import type { Stats } from '../../../src/memory/memory-api.ts';
import { fakeServices } from '../../helpers/fake-services.ts';

/** The values of a page in the text format of Prometheus, by series; each line is checked. */
function parsed(text: string): Record<string, number> {
  const series: Record<string, number> = {};
  const types = new Set<string>();
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE ([a-z0-9_]+) (?:gauge|counter|histogram|summary)$/.exec(line)?.[1];
    if (type !== undefined) types.add(type);
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', labels = '', value = ''] =
      /^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*\})? (\S+)$/.exec(line) ?? [];
    expect(line).toBe(`${name}${labels} ${value}`);
    expect(types).toContain(name.replace(/_(?:bucket|sum|count)$/, (end) => (types.has(name) ? end : '')));
    expect(/^nan$/i.test(value) || !Number.isNaN(Number(value))).toBe(true);
    series[name + labels] = Number(value);
  }
  return series;
}

test('of spaces name none, are bounded, and forget', async () => {
  const registry = new Registry();
  let now = 0;
  const spaces = new SpaceMetrics(registry, { prefix: 'm_', now: () => now });
  const stats = (live: number) => () =>
    Promise.resolve(fakeServices({ memory: { stats: () => Promise.resolve({ live } as Stats) } }));
  for (let number = 0; number < 40; number += 1) {
    for (let count = 0; count <= number; count += 1)
      spaces.note({ space: `ada-${number}`, isWrite: count % 2 === 0, seconds: 0.5, open: stats(number) });
  }
  const text = await registry.metrics();
  expect(text).not.toContain('ada');
  const series = parsed(text);
  expect(Object.keys(series)).toHaveLength(1 + 4 * 5);
  expect(series).toMatchObject({
    m_spaces_used: 40,
    'm_space_requests{rank="1"}': 40,
    'm_space_writes{rank="1"}': 20,
    'm_space_request_seconds{rank="2"}': 19.5,
    'm_space_memories{rank="5"}': 35,
  });
  now = 301_000;
  spaces.note({ space: 'bob', isWrite: false, seconds: 1, open: () => Promise.reject(new Error('gone')) });
  expect(parsed(await registry.metrics())).toEqual({
    m_spaces_used: 1,
    'm_space_requests{rank="1"}': 1,
    'm_space_writes{rank="1"}': 0,
    'm_space_request_seconds{rank="1"}': 1,
  });
});

test('have the load and the database, in a format that can be parsed', async () => {
  const shared = {
    ...{ open: 2, opened: 3, waiting: 1, writes: 4, lostRaces: 5 },
    ...{ answers: false, secondsSinceAnswer: 1.5, lag: 6, loading: false },
  };
  const counts = { live: 3, trash: 0, hidden: 0, conflicts: 0 };
  const stats = { ...counts, embedding: { pending: 1 }, shared } as Stats;
  const services = fakeServices({
    memory: { stats: () => Promise.resolve(stats) },
    sync: { status: () => Promise.reject(new Error('off')) },
  });
  const admission = new Admission({ concurrency: 1, queue: 0 });
  await admission.enter('ada');
  await admission.enter('ada').catch(() => undefined);
  const { body } = await new Metrics(() => Promise.resolve(services), { admission }).text();
  const series = parsed(body);
  expect(series).toMatchObject({
    faiss_memory_http_running: 1,
    'faiss_memory_http_refused_total{reason="full"}': 1,
    'faiss_memory_http_refused_total{reason="late"}': 0,
    faiss_memory_database_up: 0,
    faiss_memory_database_answer_age_seconds: 1.5,
    faiss_memory_database_unread_entries: 6,
    faiss_memory_database_connections_opened: 3,
  });
  expect(Object.keys(series).some((name) => name.includes('rank'))).toBe(false);
});
