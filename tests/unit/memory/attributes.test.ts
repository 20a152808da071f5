import { expect, test } from 'vitest';
import { attributesOf } from '../../../src/memory/attributes.ts';

const FACT = {
  kind: 'fact',
  conversation: null,
  project: null,
  occurredAt: null,
  expiresAt: null,
  pinned: false,
  supersedes: null,
};

test('metadata without known members is a fact', () => {
  expect(attributesOf({ owner: 'Ada', kind: 'note' })).toEqual(FACT);
});

test('all known members are read', () => {
  const about = {
    ...{ project: 'github.com/a/b', occurred_at: '2026-03-01T12:00:00+02:00', expires: '2027-01-01' },
    ...{ pinned: true, supersedes: 'x' },
  };
  expect(attributesOf(about)).toEqual({
    ...FACT,
    project: 'github.com/a/b',
    occurredAt: Date.UTC(2026, 2, 1, 10),
    expiresAt: Date.UTC(2027, 0, 1),
    pinned: true,
    supersedes: 'x',
  });
});

test('a part of a conversation has a session, a position and a role', () => {
  const part = { kind: 'conversation', session: 's1', position: 3, role: 'user', client: 'codex' };
  const { kind, ...conversation } = part;
  expect(attributesOf(part)).toEqual({ ...FACT, kind, conversation });
  for (const wrong of [
    { ...part, session: '' },
    { ...part, session: 7 },
    { ...part, position: -1 },
    { ...part, position: 1.5 },
    { ...part, position: '3' },
    { ...part, role: 'toString' },
  ])
    expect(attributesOf(wrong)).toEqual(FACT);
});

test.each([
  ['occurred_at', 'yesterday'],
  ['occurred_at', '2026-13-45'],
  ['occurred_at', '2026-02-30'],
  ['expires', '2026-02-30T12:00:00Z'],
  ['occurred_at', 5],
  ['expires', '12'],
  ['expires', ['2026-01-01']],
  ['pinned', 'true'],
  ['supersedes', ''],
  ['project', { a: 1 }],
])('%s: %j counts as absent', (member, value) => {
  expect(attributesOf({ [member]: value })).toEqual(FACT);
});
