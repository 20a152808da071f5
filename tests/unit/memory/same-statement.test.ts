import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareStatements, mayReword, Statement, statementKey } from '../../../src/memory/same-statement.ts';

const LONG = 'The quarterly report lists every region with its sales and its costs. '.repeat(36);

describe('the same statement', () => {
  test.each([
    ['Deploys are on Tuesday', '  deploys are on tuesday.\n'],
    ["The office isn't open on Sundays.", 'The office is not open on Sundays'],
    ['The staging server is at 10.0.0.5', 'Staging server is at 10.0.0.5'],
    ['She has two cats', 'She has 2 cats.'],
    ["We can't deploy on Friday.", 'We cannot deploy on Friday'],
    ['The gate  is shut', 'The gate\u00a0is shut'],
    ["I'm in Berlin and they've left", 'I am in Berlin and they have left'],
    ['He said “yes” – twice', 'He said "yes" - twice'],
    ['Please remember that Ada likes tea.', 'Ada likes tea'],
    ['caf\u00e9 opens at nine', 'cafe\u0301 opens at 9'],
    ['東京は晴れです。', '東京は晴れです'],
    ['会議はＡ１２３室です', '会議はA123室です'],
    ['Das Büro ist am Montag geschlossen.', 'Das Büro ist am Montag geschlossen'],
    ['Парковка закрывается в десять.', 'Парковка  закрывается в десять'],
    ['आज बारिश होगी।', 'आज बारिश होगी'],
  ])('%j and %j', (a, b) => {
    expect(compareStatements(a, b)).toEqual({ relation: 'same' });
    expect(mayReword(a, b)).toBe(true);
  });
});

describe('another statement', () => {
  test.each([
    ['10.4.0.17 is staging', '10.4.0.18 is staging', 'numbers'],
    ['The gateway is fe80::1', 'The gateway is fe80::2', 'numbers'],
    ['The gateway is 2001:db8::a:1', 'The gateway is 2001:db8::b:1', 'words'],
    ['Use version 1.2.3', 'Use version 1.2.4', 'numbers'],
    ['Due on 2026-01-31', 'Due on 2026-01-30', 'numbers'],
    ['Due on 3/4/2026', 'Due on 4/3/2026', 'order'],
    ['It costs 4,120 EUR', 'It costs 4,210 EUR', 'numbers'],
    ['It costs 4,120 EUR', 'It costs 4.120 EUR', 'symbols'],
    ['It costs 10 EUR', 'It costs 10 USD', 'words'],
    ['Call +48 58 123 45 67', 'Call +48 58 123 54 67', 'numbers'],
    ['Fixed in 9fceb02', 'Fixed in 9fceb03', 'numbers'],
    ['The limit is 10 MB', 'The limit is 10 GB', 'words'],
    ['It is -5 degrees', 'It is 5 degrees', 'symbols'],
    ['A reports to B', 'B reports to A', 'order'],
    ['Ada manages Bob', 'Bob manages Ada', 'order'],
    ['The office is open', 'The office is not open', 'negation'],
    ['The office is open', "The office isn't open", 'negation'],
    ['We use Redis', 'We no longer use Redis', 'negation'],
    ['Ada drinks tea with milk', 'Ada drinks tea without milk', 'negation'],
    ['We always deploy on Friday', 'We never deploy on Friday', 'negation'],
    ['Deploys are on Tuesday', 'Deploys are on Thursday', 'words'],
    ['The audit is in March', 'The audit is in May', 'words'],
    ['Turn the flag on', 'Turn the flag off', 'words'],
    ['Sync is enabled', 'Sync is disabled', 'words'],
    ['Turn left before the bridge', 'Turn left after the bridge', 'words'],
    ['Math.min(a, b)', 'Math.max(a, b)', 'words'],
    ['return x ? y : z', 'return x ? z : y', 'order'],
    ['copy(a, b)', 'copy(b, a)', 'order'],
    ['if (a < b) stop()', 'if (a <= b) stop()', 'symbols'],
    ['a && b', 'a || b', 'symbols'],
    ['Rename Foo to foo', 'Rename foo to Foo', 'words'],
    ['Run it with --force', 'Run it with force', 'symbols'],
    ['if x:\n  a\nb', 'if x:\n  a\n  b', 'form'],
    ['Pros: fast. Cons: dear.', 'Pros: dear. Cons: fast.', 'order'],
    ['Ada drinks no coffee, only tea', 'Ada drinks no tea, only coffee', 'order'],
    ['Is the server down?', 'Is the server down', 'symbols'],
    ['the US team', 'the us team', 'words'],
    ['an area of 10 m²', 'an area of 10 m2', 'numbers'],
    [`${LONG}Sales rose.`, `${LONG}Sales fell.`, 'words'],
    ['Das Büro ist offen.', 'Das Büro ist nicht offen.', 'words'],
    ['Er liebt Sie', 'Er liebt sie', 'words'],
    ['Парковка открыта', 'Парковка закрыта', 'words'],
    ['הפגישה ביום שני', 'הפגישה ביום שלישי', 'words'],
    ['We prefer colour to color', 'We prefer color to colour', 'order'],
    ['The database column is colour', 'The database column is color', 'words'],
    ['Spell it "one", not 1', 'Spell it 1, not "one"', 'order'],
    ['Put one before 1', 'Put 1 before one', 'order'],
    ['The code word is seven', 'The code word is 7', 'numbers'],
    ['Prefer Friday to friday', 'Prefer friday to Friday', 'words'],
    ["Use isn't in place of is not", "Use is not in place of isn't", 'order'],
    ['In the hook call save!', 'In the hook call save', 'symbols'],
    ['There are n! orders', 'There are n orders', 'symbols'],
    ['The Who called', 'Who called', 'words'],
    ["Lines are split at '  '", "Lines are split at ' '", 'form'],
    ['Q1\t\t500', 'Q1\t500', 'form'],
    ['Day   Mon  Tue\nAnn         x', 'Day   Mon  Tue\nAnn    x', 'form'],
    ['Kantor tutup jam enam', 'Kantor tutup jam tujuh', 'words'],
    ['Mlango wa ofisi unafungwa saa sita', 'Mlango wa ofisi unafungwa saa saba', 'words'],
    ['Ofis altida kapanir', 'Ofis yedide kapanir', 'words'],
    ['Officium hora sexta clauditur', 'Officium hora septima clauditur', 'words'],
    ['It calls valueOf twice', 'It calls toString twice', 'words'],
    ['The branch is called staging', 'The branch is called release', 'words'],
  ])('%j and %j', (a, b, differs) => {
    const compared = compareStatements(a, b);
    expect(compared.relation).not.toBe('same');
    expect(compared.differs).toBe(differs);
    expect(compareStatements(b, a)).toEqual(compared);
    expect(mayReword(a, b)).toBe(false);
  });

  test.each([
    ['할머니 생신은 오월 삼일이다.', '주차장 차단기는 밤 열 시에 닫힌다.'],
    ['วันเกิดของคุณยายคือวันที่สาม', 'ประตูที่จอดรถปิดตอนสี่ทุ่ม'],
    ['יום ההולדת של סבתא בשלישי במאי', 'מחסום החניון נסגר בעשר בלילה'],
    ['عيد ميلاد جدتي في الثالث من مايو', 'يغلق حاجز الموقف في العاشرة ليلا'],
    ['दादी का जन्मदिन तीन मई को है', 'पार्किंग का फाटक रात दस बजे बंद होता है'],
    ['День рождения бабушки третьего мая', 'Шлагбаум парковки закрывается в десять вечера'],
    ['Τα γενέθλια της γιαγιάς είναι στις τρεις Μαΐου', 'Η μπάρα του πάρκινγκ κλείνει στις δέκα'],
    ['ბებიას დაბადების დღე სამ მაისს არის', 'პარკინგის ბარიერი ღამის ათზე იკეტება'],
    ['祖母の誕生日は五月三日です', '駐車場の遮断機は夜十時に閉まります'],
  ])('has nothing to do with it: %j and %j', (a, b) => {
    expect(compareStatements(a, b).relation).toBe('different');
  });
});

describe('a rewording', () => {
  test('may use other words, but no other facts', () => {
    expect(mayReword('The office in Berlin shuts at 6', 'Office in Berlin shuts its doors at 6')).toBe(true);
    expect(mayReword('The office in Berlin shuts at 6', 'Office in Bremen shuts its doors at 6')).toBe(false);
  });
});

describe('for any text', () => {
  const words = fc.array(
    fc.oneof(
      fc.constantFrom('Ada', 'not', '10.0.0.5', 'copy(a,', 'tea', 'the', 'München', '東京', 'x?', '-1'),
      fc.string(),
    ),
    { maxLength: 12 },
  );

  test('is reflexive, symmetric, and blind to outer white space', () => {
    fc.assert(
      fc.property(words, words, (left, right) => {
        const [a, b] = [left.join(' '), right.join(' ')];
        expect(compareStatements(a, a)).toEqual({ relation: 'same' });
        expect(compareStatements(a, b)).toEqual(compareStatements(b, a));
        expect(statementKey(` ${a}\n`)).toBe(statementKey(a));
      }),
    );
  });

  test('is told apart by its words just as by its whole key', () => {
    const contracted = fc.constantFrom(
      ...["isn't", 'is not', "won't", 'will not', "shan't", 'shall not', "they've", 'they have', 'cannot'],
      ...[
        "can't",
        'twelve',
        '12',
        'The',
        'the office',
        'Monday',
        'please',
        'shouldnt',
        'should not',
        'can\u00adnot',
      ],
      ...['remember that', 'note: ', '.', '\n', '  ', '’tis', 'Ｏffice'],
    );
    const text = fc.array(fc.oneof({ weight: 4, arbitrary: contracted }, fc.string()), { maxLength: 5 });
    fc.assert(
      fc.property(text, text, fc.boolean(), (left, right, spaced) => {
        const [a, b] = [left.join(' '), right.join(spaced ? ' ' : '')];
        expect(new Statement(a).saysTheSame(b)).toBe(statementKey(a) === statementKey(b));
        expect(new Statement(a).saysTheSame(a)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect(new Statement('We shall not deploy').saysTheSame("We shan't deploy")).toBe(true);
    expect(new Statement('They have left and will not come').saysTheSame("They've left and won't come")).toBe(
      true,
    );
  });

  test('takes time that grows with the text and not faster', () => {
    const time = (length: number): number => {
      const start = process.cpuUsage();
      statementKey('kitchen '.repeat(length));
      const { user, system } = process.cpuUsage(start);
      return user + system;
    };
    time(2_000);
    expect(time(40_000)).toBeLessThan(60 * Math.max(time(2_000), 2_000));
  });

  test('separates whatever differs in one digit, or in a "not"', () => {
    fc.assert(
      fc.property(words, words, fc.nat(9), fc.nat(9), (before, after, first, second) => {
        const text = (middle: string): string => [...before, middle, ...after].join(' ');
        if (first !== second)
          expect(statementKey(text(`port${first}`))).not.toBe(statementKey(text(`port${second}`)));
        expect(statementKey(text('is not here'))).not.toBe(statementKey(text('is here')));
      }),
    );
  });

  test('separates what has two different words in the other order', () => {
    fc.assert(
      fc.property(words, (around) => {
        const text = (first: string, second: string): string =>
          ['So', first, 'calls', second, ...around].join(' ');
        expect(statementKey(text('Ada', 'Bob'))).not.toBe(statementKey(text('Bob', 'Ada')));
      }),
    );
  });
});
