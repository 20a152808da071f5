import { describe, expect, test } from 'vitest';
import type { MemoryFilter } from '../../../src/memory/filter.ts';
import { draft } from '../../helpers/drafts.ts';
import { useStore, type PrepareStore } from './use-store.ts';

/** What every store must find by words. */
export function describeWordSearch(prepare: PrepareStore): void {
  const at = useStore(prepare);

  describe('search by words', () => {
    test.each([
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
      ['กุญแจสำรองอยู่ที่ไหน', 'กุญแจสำรองอยู่ใต้กระถางต้นไม้ที่ระเบียง', 'a Thai question'],
      ['ກະແຈຢູ່ໃສ', 'ກະແຈສຳຮອງຢູ່ໃຕ້ກະຖາງດອກໄມ້', 'a Lao question'],
      ['កូនសោនៅឯណា', 'កូនសោបម្រុងនៅក្រោមផើងផ្កា', 'a Khmer question'],
      ['သော့ဘယ်မှာလဲ', 'အပိုသော့က ပန်းအိုးအောက်မှာ ရှိတယ်', 'a Burmese question'],
      ['予備の鍵はどこ?', '予備の鍵は玄関の植木鉢の下に置いてあります。', 'a Japanese question'],
      ['Gdzie są klucze?', 'Zapasowego klucza pilnuje sąsiad', 'Polish cases'],
      ['Кто кормит кошек?', 'Соседка кормила кошку летом', 'Russian endings'],
      [
        'Wo ist die Versicherung für das Haus?',
        'Die Versicherungspolice liegt im Ordner',
        'German compounds',
      ],
      ['¿Quién recoge las cartas?', 'Los vecinos nos recogieron el correo', 'Spanish verbs'],
      ['Quand les haies sont-elles taillées ?', 'On fait la taille en mars, taillez court', 'French verbs'],
      ['हिन्दी', 'मुझे हिन्दी पसंद है', 'Devanagari vowel signs'],
      ['محمد', 'اسمه مُحَمَّد', 'Arabic vowel marks'],
      ['deploy" OR text:* NEAR(', 'deploy now', 'query syntax as text'],
    ])('finds by %j the memory %j (%s)', async (query, text, what) => {
      const id = await at.add(text);
      await at.add('an unrelated sentence');
      expect(await at.byWords(query)).toEqual(what === 'nothing' ? [] : [id]);
    });

    test.each([
      ['C++', 'The engine is written in C++17', 'Vitamin C is good'],
      ['C#', 'We hire for C#/F#', 'The backend is in C++'],
      ['.NET', 'It runs on .NET 8', 'the neat report'],
      ['A*', 'A* finds the way', 'a way to find'],
      ['Disney+', 'a film on Disney+', 'the film of the year'],
      ['🎉', 'party 🎉 on Friday', 'party 🎈 on Friday'],
      ['👩‍💻', 'she is a 👩🏽‍💻', 'she is a 👩'],
      ['👍🏻', 'I 👍🏿 it', 'I 👎🏿 it'],
      ['🇩🇪', 'the 🇩🇪 team', 'the 🇧🇪 team'],
      ['🏴󠁧󠁢󠁷󠁬󠁳󠁿', 'the 🏴󠁧󠁢󠁷󠁬󠁳󠁿 team', 'the 🏴󠁧󠁢󠁳󠁣󠁴󠁿 team'],
      ['1️⃣', 'first 1️⃣', 'first 2️⃣'],
      ['→', 'left → right', 'left ← right'],
      ['=>', 'a => b', 'a >= b'],
      ['9fceb02', 'broken by 9fceb02d0ae598e95dc970b74767f19372d61af8', '8fceb02d0ae598e95dc970b74767f1937'],
      ['1a410efbd13591db07496601ebc7a059dd55cfe9', 'fixed in 1a410ef', 'fixed in 1a411ef'],
      ['deadbee', 'the hash deadbeefcafe', 'the dead bee'],
      ['3f2504e0-4f8', 'id 3f2504e0-4f89-41d3-9a0c-0305e82c3301', 'id 4f89a-3f25'],
      ['202601', 'invoice 20260131-77', 'invoice 20250131-77'],
      ['9783161484100', 'ISBN 978-3-16-148410-0', 'ISBN 978-3-16-148410-1'],
      ['978-0-306-40615-7', 'ISBN 9780306406157', 'ISBN 978-3-16-148410-0'],
      ['080442957X', 'ISBN 0-8044-2957-X', 'ISBN 0-8044-2958-X'],
      ['5551239876', 'call 555 123 9876', 'call 555 123 9877'],
      ['+49 30 1234567', 'call +49 (0)30 123-4567', 'call me at once'],
      ['1000000', 'for 1,000,000 users', 'for 1,000 users'],
      ['--dry-run', 'use --dry-run first', 'use --force first'],
      ['#123', 'see #123', 'see #124'],
      ['$HOME', 'set ${HOME} first', 'set the path first'],
      ['@scope/name', 'install @scope/name', 'install anything'],
      ['userName', 'function getUserName()', 'function getUser()'],
      ['get_user_name', 'function getUserName()', 'function setUsername()'],
      ['maxRetryCount', 'max_retry_count = 3', 'maximum = 3'],
      ['1.2.3', 'release v1.2.3', 'release v4.5.6'],
      ['ёлка', 'зелёная елка', 'зелёная палка'],
      ['все еще', 'Всё ещё зима', 'зима'],
      ['замок', 'большой за́мок', 'большой дом'],
      ['ΑΘΗΝΑ', 'η Αθήνα', 'η Σπάρτη'],
      ['احمد', 'اسمه أحمد', 'اسمه عمر'],
      ['CAFÉ', 'the cafe is closed', 'the office is closed'],
      ['12345', 'code １２３４５', 'code １２３４６'],
      ['DE89370400440532013000', 'pay to DE89 3704 0044 0532 0130 00', 'pay to DE89 3704 0044 0532 0131 00'],
      ['NL91 ABNA 0417 1643 00', 'account NL91ABNA0417164300', 'account BE16BNPA0417164301'],
      ['001b44113ab7', 'the printer has 00:1B:44:11:3A:B7', 'the printer has 00:1B:44:11:3A:B8'],
      ['00-1B-44-11-3A-B7', 'the printer has 001b.4411.3ab7', 'the printer has 001b.4411.3ab8'],
      ['4120', 'it costs 4,120.50 EUR', 'it costs 4,210.50 EUR'],
      ['1.250.000', 'the sum is 1250000', 'the sum is 1250001'],
      ['1250000', 'die Summe ist 1.250.000', 'die Summe ist 1.350.000'],
    ])('finds by %j only %j', async (query, text, other) => {
      await at.add(other);
      const id = await at.add(text);
      expect(await at.byWords(query)).toEqual([id]);
    });

    test('prefers a number to others that share its groups', async () => {
      const id = await at.add('9780306406157');
      await at.add('978-0-306 978-0-306 40616');
      expect((await at.byWords('978-0-306-40615-7'))[0]).toBe(id);
    });

    test('ranks an address before texts that share only its parts', async () => {
      await at.store.add([draft('version 10.0 of 5 tools, 0 errors'), draft('port 5 and 10 and 0')]);
      const id = await at.add('the server is at 10.0.0.5');
      expect((await at.byWords('10.0.0.5'))[0]).toBe(id);
    });

    test('does not find pairs of characters that are not adjacent', async () => {
      await at.add('京都と東北');
      expect(await at.byWords('東京')).toEqual([]);
    });

    test('finds tags, and nothing for queries without words', async () => {
      const id = await at.add('a text', { tags: ['kubernetes'] });
      expect(await at.byWords('kubernetes')).toEqual([id]);
      for (const query of ['', '   ', '!?', '🎉', '"', '()']) expect(await at.byWords(query)).toEqual([]);
    });

    test('gives scores in falling order, the newer memory first among equals', async () => {
      const [a, b] = [await at.add('red fox one'), await at.add('red fox two')];
      const { words } = await at.store.candidates({ filter: {}, limit: 5, words: 'fox' });
      expect(words.map(({ id }) => id)).toEqual([b, a]);
      expect(words.every(({ score }) => score > 0)).toBe(true);
      const { words: one } = await at.store.candidates({ filter: {}, limit: 1, words: 'fox' });
      expect(one.map(({ id }) => id)).toEqual([b]);
    });

    test('reads the memories when asked to, and none otherwise', async () => {
      for (const text of ['red fox one', 'red fox two']) await at.add(text, { tags: ['zoo'] });
      const request = { filter: {}, limit: 5, words: 'fox' };
      const { memories, words } = await at.store.candidates({ ...request, contents: true });
      expect(words).toHaveLength(2);
      expect(memories).toEqual(await at.store.getCurrent(words.map(({ id }) => id)));
      expect(await at.store.candidates(request)).not.toHaveProperty('memories');
    });

    test('does not prefer a text only because it says little', async () => {
      const chatter = await at.add('Thanks, Caroline!');
      const fact = await at.add(
        'Caroline and her sister Caroline Anne moved to a small house beside the lake in the spring of last year',
      );
      for (let index = 0; index < 20; index += 1)
        await at.add(`an unrelated note of the usual length, number ${index}`);
      expect(await at.byWords('caroline')).toEqual([fact, chatter]);
    });

    test('survives a query of many thousand words', async () => {
      const id = await at.add('the incomprehensibilities of life');
      const words = Array.from({ length: 20_000 }, (_, index) => `w${index}`).join(' ');
      expect(await at.byWords(`${words} incomprehensibilities`)).toEqual([id]);
    });
  });

  describe('neighbours in a session', () => {
    const turn = (text: string, session: unknown, source = 'chat'): Promise<string> =>
      at.add(text, { source, metadata: { session: session as string } });
    const neighbours = async (filter: MemoryFilter = {}): Promise<[string, string, number][]> => {
      const request = { filter, limit: 10, words: 'zebra', neighbours: true };
      const { neighbours: found = [] } = await at.store.candidates(request);
      return found.map(({ id, of, distance }) => [id, of, distance]);
    };

    test('are the two before and the two after, of the same session and source', async () => {
      const ids: string[] = [];
      for (const text of ['one', 'two', 'three', 'a zebra', 'five', 'six', 'seven'])
        ids.push(await turn(text, 's'));
      await turn('elsewhere', 'other');
      await turn('of another source', 's', 'mail');
      const [, two = '', three = '', zebra = '', five = '', six = ''] = ids;
      expect(await neighbours()).toEqual([
        [two, zebra, 2],
        [three, zebra, 1],
        [five, zebra, 1],
        [six, zebra, 2],
      ]);
      await at.store.delete([three]);
      expect((await neighbours()).map(([id]) => id)).toEqual([ids[0], two, five, six]);
    });

    test('match the filter too, and keep their distance', async () => {
      const zebra = await at.add('a zebra', { tags: ['x'], source: 'chat', metadata: { session: 's' } });
      await turn('without the tag', 's');
      const far = await at.add('with the tag', { tags: ['x'], source: 'chat', metadata: { session: 's' } });
      expect(await neighbours({ tagsAny: ['x'] })).toEqual([[far, zebra, 2]]);
    });

    test.each([undefined, null, 7, true, ['s'], { deep: 's' }, 'x'.repeat(5_000)])(
      'take %j for a session only when it is one',
      async (session) => {
        const metadata = session === undefined ? {} : { session };
        await at.add('a zebra', { metadata });
        const other = await at.add('beside it', { metadata });
        const isSession = session !== undefined && session !== null;
        expect((await neighbours()).map(([id]) => id)).toEqual(isSession ? [other] : []);
      },
    );

    test('are not looked for unless asked', async () => {
      await turn('a zebra', 's');
      await turn('beside it', 's');
      const lists = await at.store.candidates({ filter: {}, limit: 10, words: 'zebra' });
      expect(lists.neighbours).toBeUndefined();
    });
  });
}
