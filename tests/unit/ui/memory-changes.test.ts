import { describe, expect, test } from 'vitest';
import { changesBetween, changesTo } from '../../../src/ui/shared/memory-changes.ts';

describe('changesBetween', () => {
  const before = { text: 'a', tags: ['x', 'Paris, France'], source: 'wiki' };

  test.each([
    ['nothing', { ...before, tags: ['x', 'Paris', 'France'] }, {}],
    ['the text', { ...before, text: 'b', tags: ['x', 'Paris', 'France'] }, { text: 'b' }],
    ['the source, to none', { ...before, source: '', tags: ['x', 'Paris', 'France'] }, { source: '' }],
    ['a new tag', { ...before, tags: ['x', 'Paris', 'France', 'y'] }, { add_tags: ['y'] }],
    ['a tag less', { ...before, tags: ['Paris', 'France'] }, { remove_tags: ['x'] }],
    [
      'a part of a tag with a comma',
      { ...before, tags: ['x', 'Paris'] },
      { add_tags: ['Paris'], remove_tags: ['Paris, France'] },
    ],
  ])('tells %s', (_, after, changes) => {
    expect(changesBetween(before, after)).toEqual(changes);
  });

  test('takes what is absent for empty', () => {
    const after = { text: 'a', tags: ['x'], source: '' };
    expect(changesBetween({ text: 'a' }, after)).toEqual({ add_tags: ['x'] });
  });
});

describe('changesTo', () => {
  test('takes over all that a version had, and removes what it had not', () => {
    const version = { text: 'a', metadata: { kept: 1, back: [2] } };
    const now = { metadata: { kept: 3, gone: 4 } };
    expect(changesTo(version, now)).toEqual({
      text: 'a',
      tags: [],
      source: '',
      metadata: { kept: 1, back: [2], gone: null },
    });
  });
});
