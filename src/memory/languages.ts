/**
 * Tells English from other languages without a dictionary: by the script of a text, and by the little words that
 * nearly every sentence of a language has. Rules that hold for English only ask this file.
 */

/** Letters of scripts that put no space between words, each with its combining marks. */
export const UNSPACED =
  /(?=[\p{L}\p{N}])[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Hangul}\p{scx=Bopomofo}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]\p{M}*/gu;
const WORD = /[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*/gu;
/** Words in Latin letters, including combining accents, which Unicode assigns to another script. */
const LATIN_WORD = /^[\p{Script=Latin}\p{M}'’µ]+$/u;
/** Characters that join a word to a flag, path or host name, such as `-la`, `/da`, `en-US`. Such words do not count. */
const JOINED = /[-/.@_\p{N}]/u;
/** A single Greek letter is a symbol: Ω, λ. */
const SYMBOL = /^\p{Script=Greek}$/u;
const ACCENTED = /[^\0-\x7f'’µ]/u;

/** Little words that are frequent in English and rare in the other languages of this file. */
const ENGLISH =
  words(`the and are were be been have has not with from this that these those it its would can could
  should must may does did but if than there their they he she we you your our my his who which what when where why how
  any each only about into after before because while during through between isn't aren't doesn't don't didn't won't
  can't it's that's without until never always every some more most other likes prefers uses needs runs says wants`);
/** Little words of English that exist in other languages too. */
const SHARED = words('is of for to was at by no do all will her had then over');

/** Little words of other languages in Latin letters; none of them is a word of English. */
const OTHERS = words(`
  der das und ist nicht ein eine einen einem einer mit von für auf dem den des zu sich auch wird wurde nach bei aus oder
  wir ich sie im zum zur beim kein keine keinen nur aber wenn dass sind hat haben werden über wie noch schon unter vom
  wer wem wen wessen wo wann warum wieso wohin woher welche welcher welches welchem welchen ihr
  le la les une et est dans pour que qui sur avec pas du au aux ne ce cette nous vous il elle ils sont être ont mais où
  plus sans sous chez très aussi quel quelle quels quelles quand pourquoi combien quoi
  el los las una unas y es en por con para del al se su sus lo como pero más muy está están hay fue son sin este esta
  qué quién quiénes cuál cuáles cuándo cuánto cuántos cómo dónde mis
  quem quando onde qual quais quanto o os um uma é não com da dos das na nos ao pelo pela são mas também foi seu sua
  quando quale quali quanto perché il gli di che per non sono alla della delle degli nel nella dal dalla anche questo questa più è ed
  wie waar wanneer waarom welke het een van niet op te voor met zijn wordt naar bij ook maar aan dat deze uit heeft
  się nie jest że do od przez po dla ale przy jak czy są był oraz są
  kto kogo komu czyj czego gdzie kiedy dlaczego skąd jaki jaka jakie jakim jakiej który która które którego której
  kdo kde kdy proč jaký je se že není jsou pro ale při podle jako
  vem vad när varför och är att det som på av för inte till ett med om har kan ska var från
  og er ikke af til et fra som vi jeg men eller blir
  ja ei että oli mutta kun ovat myös tai
  az és nem egy hogy van meg csak
  și este nu în pe cu că din mai sau sunt
  ve bir bu için ile değil çok ama olarak
  yang dan ini itu dengan untuk tidak adalah dari pada akan
  ang ng sa mga ay hindi
  ya wa kwa ni na hii w
  i u za da je su kao ali
  không và của là có cho một các được trong với
  und ir ar kas tai bet nuo yra`);

/** With a capital these begin a name, such as Los Angeles or Da Vinci, and tell little about the sentence. */
const IN_NAMES = words('los las el la le da di de del des du das van den al');

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/u));
}

/** A text is foreign when more than this part of its words is in another script than Latin. */
const FOREIGN_PART = 0.1;
/** A text without any little word of English is foreign when at least this part of its words has accents. */
const ACCENTED_PART = 0.25;

/**
 * True unless the text shows signs of another language than English. Names, numbers and code have no language and
 * count as English.
 */
export function readsAsEnglish(text: string): boolean {
  return languageSigns(text) !== 'other';
}

/** True when little words of English are in the text: many languages write without accents too. */
export function isInEnglish(text: string): boolean {
  return languageSigns(text) === 'english';
}

function languageSigns(text: string): 'english' | 'none' | 'other' {
  const unspaced = text.match(UNSPACED)?.length ?? 0;
  let [count, foreign, accented, english, others] = [unspaced, unspaced, 0, 0, 0];
  const spaced = text.replace(UNSPACED, ' ');
  for (const match of spaced.matchAll(WORD)) {
    const [word] = match;
    if (SYMBOL.test(word)) continue;
    count += 1;
    if (!LATIN_WORD.test(word)) foreign += 1;
    if (ACCENTED.test(word)) accented += 1;
    const weight = languageOf(word);
    if (weight > 0) english += weight;
    else if (!isJoined(spaced, match.index, word.length)) others -= weight;
  }
  if (foreign > count * FOREIGN_PART || (others > english && others >= 0.5)) return 'other';
  if (english > 0) return 'english';
  return accented === 0 || accented < count * ACCENTED_PART ? 'none' : 'other';
}

function isJoined(text: string, start: number, length: number): boolean {
  return JOINED.test(text.charAt(start - 1)) || /[-/@_]/.test(text.charAt(start + length));
}

/** Above 0 for a little word of English; below 0 for a little word of another language; 0 for all other words. */
function languageOf(word: string): number {
  const lower = word.toLowerCase().normalize('NFC').replace('’', "'");
  if (ENGLISH.has(lower)) return 1;
  if (SHARED.has(lower)) return 0.5;
  if (!OTHERS.has(lower)) return 0;
  // A single letter is more often a variable or a choice than a word such as the Spanish `y`.
  const isWeak = lower.length === 1 || (word !== lower && IN_NAMES.has(lower));
  return isWeak ? -0.4 : -1;
}
