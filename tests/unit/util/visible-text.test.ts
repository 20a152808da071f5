import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  visibleJson,
  visibleLine,
  visibleText,
  withoutHidden,
  withoutHiddenLine,
} from '../../../src/util/visible-text.ts';
import { hostileText } from '../../helpers/hostile-text.ts';

/** Whatever a text holds, these never reach a reader. */
const NEVER =
  /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u2028\u2029\u202A-\u202E\u2060-\u2069\uFEFF\u00AD\u061C\u200E\u200F\uD800-\uDFFF]/u;

/** Hidden characters that their surroundings need: emoji, scripts that join letters, scripts without spaces, keycaps. */
const MEANT = [
  'family 👨‍👩‍👧‍👦, pilot 👩🏽‍✈️, heart ❤️‍🔥, flag 🏳️‍🌈, pirates 🏴‍☠️',
  'keys 1️⃣ #️⃣, text style ☎︎, Wales 🏴󠁧󠁢󠁷󠁬󠁳󠁿',
  'می‌خواهم خانه‌ها ۵‌ام',
  'क्‍ष क्‌ष ශ්‍රී লক্ষ্‍য',
  'ภาษา\u200Bไทย ភាសា\u200Bខ្មែរ',
  '葛󠄀 ≨︀ ᠠ᠋',
];

/** What hides, and what people see instead. */
const HIDDEN: readonly (readonly [text: string, shown: string])[] = [
  ['a\u200bb', 'a\\u200bb'],
  ['pay\u202Exe.txt', 'pay\\u202exe.txt'],
  ['\u2066\u2067\u2068\u2069\u200e\u200f\u061c', '\\u2066\\u2067\\u2068\\u2069\\u200e\\u200f\\u061c'],
  ['x\u{E0041}\u{E0042}\u{E007F}', 'x\\u{e0041}\\u{e0042}\\u{e007f}'],
  ['\u001b[2Jclear\u009b31m\u0007', '\\u001b[2Jclear\\u009b31m\\u0007'],
  ['co\u00adoperate\ufeff', 'co\\u00adoperate\\ufeff'],
  ['one\u2028two\u2029three\u0085four\rfive', 'one\\u2028two\\u2029three\\u0085four\\u000dfive'],
  ['a\u200db\u200cc', 'a\\u200db\\u200cc'],
  ['half \ud83d', 'half \\ud83d'],
  // One selector belongs to the emoji; the others are a hiding place, and so are tags behind any other flag.
  ['😀\ufe0f\ufe0f\ufe01', '😀\ufe0f\\ufe0f\\ufe01'],
  ['😀\u{E0100}', '😀\\u{e0100}'],
  ['1\ufe0f2', '1\\ufe0f2'],
  ['🏴\u{E0041}\u{E007F}', '🏴\\u{e0041}\\u{e007f}'],
  ['ک\u200c\u200cت', 'ک\\u200c\\u200cت'],
  ['\u3164\u115f\u17b4', '\\u3164\\u115f\\u17b4'],
];

describe('what is shown to people', () => {
  test.each(MEANT)('keeps what belongs to %s', (text) => {
    expect([visibleText(text), withoutHidden(text)]).toEqual([text, text]);
    expect(visibleJson(text)).toBe(JSON.stringify(text));
  });

  test.each(HIDDEN)('escapes %j', (text, shown) => {
    expect(visibleText(text)).toBe(shown);
  });

  test('a text keeps its lines and tabs, a line has none', () => {
    expect(visibleText('a\r\nb\tc\n')).toBe('a\nb\tc\n');
    expect(visibleLine('a\r\nFix: run\tthis\nb')).toBe('a\\nFix: run\\tthis\\nb');
  });

  test('nothing hidden is left of any text, and twice is as once', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const [lines, line] = [visibleText(text), visibleLine(text)];
        expect([lines, line].filter((shown) => NEVER.test(shown))).toEqual([]);
        expect(line).not.toMatch(/[\n\t]/);
        expect([visibleText(lines), visibleLine(line)]).toEqual([lines, line]);
      }),
    );
  });

  test('JSON shows what is hidden and means the exact value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ depthSize: 'small' }), hostileText, (value, text) => {
        const whole = { [text]: value, text };
        const json = visibleJson(whole, 2);
        expect(json).not.toMatch(NEVER);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(whole)));
      }),
    );
    expect(visibleJson({ 'a\u200b': '\u{E0041}' })).toBe('{"a\\u200b":"\\udb40\\udc41"}');
  });
});

describe('what is given to models', () => {
  test('has no hidden character, and words stay apart', () => {
    expect(withoutHidden('ig\u200bno\u{E0041}re\u2028all\rof\r\nit')).toBe('ignore all of\r\nit');
    expect(withoutHiddenLine('a\r\nb\nc\u0085d')).toBe('a b c d');
  });

  test('nothing hidden is left of any text', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        expect(withoutHidden(text).replaceAll('\r\n', '\n')).not.toMatch(NEVER);
        expect(withoutHiddenLine(text)).not.toMatch(/[\n\r]/);
      }),
    );
  });
});
