import { describe, expect, it } from 'vitest';
import { draft } from '../../helpers/drafts.ts';
import { useStore, type PrepareStore } from './use-store.ts';

/** What every store must find by words. */
export function describeWordSearch(prepare: PrepareStore): void {
  const at = useStore(prepare);

  describe('search by words', () => {
    it.each([
      ['deploy', 'We deployed the server on Friday', 'English endings'],
      ['what is the deadline', 'The deadline is in May', 'questions with stop words'],
      ['the who', 'The Who played in 1969', 'queries of stop words only'],
      ['10.0.0.5', 'The proxy runs on 10.0.0.5 behind a wall', 'addresses'],
      ['max_connections', 'set max_connections to 50', 'identifiers'],
      ['jane.doe@example.com', 'Write to jane.doe@example.com', 'mail addresses'],
      ['Strasse', 'Das Büro liegt in der Hauptstraße', 'nothing'],
      ['strasse', 'Die Straße ist gesperrt', 'sharp s'],
      ['uber', 'Er sprach über das Wetter', 'umlauts'],
      ['garcon cafe', 'Le garçon du café', 'French accents'],
      ['senor manana', 'El señor viene mañana', 'Spanish accents'],
      ['東京', '私は東京に住んでいます', 'Japanese'],
      ['東', '東北地方', 'one Chinese character'],
      ['カタカナ', 'ｶﾀｶﾅ の本', 'half-width forms'],
      ['서울', '저는 서울에서 일합니다', 'Korean particles'],
      ['ทำงาน', 'ผมกำลังทำงานอยู่', 'Thai'],
      ['हिन्दी', 'मुझे हिन्दी पसंद है', 'Devanagari vowel signs'],
      ['محمد', 'اسمه مُحَمَّد', 'Arabic vowel marks'],
      ['deploy" OR text:* NEAR(', 'deploy now', 'query syntax as text'],
    ])('finds by %j the memory %j (%s)', async (query, text, what) => {
      const id = await at.add(text);
      await at.add('an unrelated sentence');
      expect(await at.byWords(query)).toEqual(what === 'nothing' ? [] : [id]);
    });

    it('ranks an address before texts that share only its parts', async () => {
      await at.store.add([draft('version 10.0 of 5 tools, 0 errors'), draft('port 5 and 10 and 0')]);
      const id = await at.add('the server is at 10.0.0.5');
      expect((await at.byWords('10.0.0.5'))[0]).toBe(id);
    });

    it('does not find pairs of characters that are not adjacent', async () => {
      await at.add('京都と東北');
      expect(await at.byWords('東京')).toEqual([]);
    });

    it('finds tags, and nothing for queries without words', async () => {
      const id = await at.add('a text', { tags: ['kubernetes'] });
      expect(await at.byWords('kubernetes')).toEqual([id]);
      for (const query of ['', '   ', '!?', '🎉', '"', '()']) expect(await at.byWords(query)).toEqual([]);
    });

    it('gives scores in falling order, the newer memory first among equals', async () => {
      const [a, b] = [await at.add('red fox one'), await at.add('red fox two')];
      const { words } = await at.store.candidates({ filter: {}, limit: 5, words: 'fox' });
      expect(words.map(({ id }) => id)).toEqual([b, a]);
      expect(words.every(({ score }) => score > 0)).toBe(true);
      const { words: one } = await at.store.candidates({ filter: {}, limit: 1, words: 'fox' });
      expect(one.map(({ id }) => id)).toEqual([b]);
    });

    it('survives a query of many thousand words', async () => {
      const id = await at.add('the incomprehensibilities of life');
      const words = Array.from({ length: 20_000 }, (_, index) => `w${index}`).join(' ');
      expect(await at.byWords(`${words} incomprehensibilities`)).toEqual([id]);
    });
  });
}
