import type { MemoryFilter } from '../../memory/filter.ts';
import { queryTerms, type QueryTerm } from '../../memory/words.ts';
import type { Candidate } from '../memory-store.ts';
import type { CandidateRows } from './candidate-rows.ts';
import { type Connection, Query, type SqlValue } from './connection.ts';
import { filterCondition, matchesAll } from './filter.ts';
import { type FilterSets, flagsOf } from './filter-sets.ts';
import { termQuery, WordTokenizer } from './full-text.ts';
import { readTotals } from './totals.ts';

/** So many of the best by BM25 are ranked again with smoothed lengths; 100 to 600 find the same. */
const POOL = 200;
/** Constants of FTS5's BM25, which cannot be set. */
const K1 = 1.2;
const B = 0.75;
/** Added to every length, in tokens: without it the shortest texts win, which tend to say little. */
const SMOOTHING_TOKENS = 40;
const LEAST_IDF = 1e-6;

/** One entry for each occurrence of a token, in the order of the memories. As one JSON text, because rows take longer. */
const selectOccurrences = new Query<[token: string], [nums: string]>(
  'SELECT json_group_array(doc) FROM temp.occurrence WHERE term = ?',
);
const selectScored = new Query<[query: string], [num: number, score: number]>(
  'SELECT rowid, -bm25(word) FROM word WHERE word MATCH ?',
);
const selectState = new Query<[], [averages: string, sequence: number | null]>(
  'SELECT hex(block), (SELECT max(sequence) FROM memory) FROM word_data WHERE id = 1',
);
/** `lengths`: the tokens of each column, in hexadecimal because many small blobs take long to read. */
const selectLengths = new Query<[nums: string], [num: number, lengths: string]>(
  'SELECT d.id, hex(d.sz) FROM json_each(?) w CROSS JOIN word_docsize d ON d.id = w.value',
);
const selectChanged = new Query<[after: number, limit: number], [num: number, sequence: number]>(
  'SELECT num, sequence FROM memory WHERE sequence > ? ORDER BY sequence LIMIT ?',
);
/** After more changes than this, all lengths are read anew. */
const MAX_FOLLOWED = 1_000;

/**
 * Search by words: BM25 as FTS5 computes it, from the occurrences in its index. FTS5's own function takes several times as
 * long, because it looks up the length of each memory in a table; here the lengths of those that were found before are
 * kept, and follow the change sequence.
 */
export class WordSearch {
  readonly #tokenizer = new WordTokenizer();
  #connection: Connection | null = null;
  #sequence = 0;
  /** Tokens of each memory by its number, which counts from 1; 0 = not known. */
  #lengths = new Int32Array(1_024);
  /** BM25 of each memory by its number, in the last search; 0 = it has no term of it. */
  #scores = new Float64Array(1_024);
  /** The numbers of the memories that have a score. */
  #found: number[] = [];

  close(): void {
    this.#tokenizer.close();
  }

  /** Finds the memories with at least one term of a free text, and their scores. The answer holds until the next call. */
  find(connection: Connection, words: string): FoundWords {
    const { rows, tokens, sequence } = readState(connection);
    this.#follow(connection, sequence);
    for (const num of this.#found) this.#scores[num] = 0;
    this.#found = [];
    const average = tokens / rows;
    let idfs = 0;
    for (const term of queryTerms(words)) {
      const token = this.#tokenOf(term);
      const { nums, values } =
        token === undefined ? scored(connection, term) : occurrences(connection, token);
      const idf = Math.max(LEAST_IDF, Math.log((rows - nums.length + 0.5) / (nums.length + 0.5)));
      idfs += idf;
      this.#readLengths(connection, nums);
      for (let place = 0; place < nums.length; place++) {
        const num = nums[place] ?? 0;
        const value = values[place] ?? 0;
        this.#add(num, token === undefined ? value : idf * this.#saturated(value, num, average));
      }
    }
    return {
      bound: (K1 + 1) * idfs,
      best: (wanted) => this.#best(connection, wanted, average),
    };
  }

  #add(num: number, part: number): void {
    const score = this.#scores[num] ?? 0;
    if (score === 0) this.#found.push(num);
    this.#scores[num] = score + part;
  }

  /** The one token of a term; undefined for sequences of words and beginnings of words. */
  #tokenOf({ words: [word = '', ...others], prefix }: QueryTerm): string | undefined {
    if (prefix || others.length > 0) return undefined;
    const tokens = this.#tokenizer.tokensOf(word);
    return tokens.length === 1 ? tokens[0] : undefined;
  }

  #saturated(frequency: number, num: number, average: number): number {
    const length = this.#lengths[num] ?? 0;
    return (frequency * (K1 + 1)) / (frequency + K1 * (1 - B + (B * length) / average));
  }

  /** @param average tokens of a memory on average */
  #best(connection: Connection, { filter, sets, rows, limit }: WantedWords, average: number): Candidate[] {
    const size = Math.max(POOL, limit);
    const pool = matchesAll(filter)
      ? this.#leading(this.#found, size).map(({ num }) => num)
      : this.#bestPassing(connection, { filter, sets, rows, limit: size });
    const smoothed = (num: number): number =>
      (this.#scores[num] ?? 0) * smoothing(this.#lengths[num] ?? 0, average);
    const best = leading(pool, smoothed, limit).sort(bestFirst);
    const known = new Map(rows.withNums(best.map(({ num }) => num)).map((row) => [row.num, row]));
    return best.flatMap(({ num, score }): Candidate[] => {
      const row = known.get(num);
      return row === undefined ? [] : [{ id: row.id, score, ...(row.isTurn ? IS_TURN : {}) }];
    });
  }

  /** The best that pass the filter. Where the filter has a set, only memories in it are ranked. */
  #bestPassing(connection: Connection, { filter, sets, limit }: WantedWords): number[] {
    const { set, pass } = sets.plan(filter, WORTH_A_SET);
    const flags = set === null ? null : flagsOf(set);
    const among = flags === null ? this.#found : this.#found.filter((num) => flags[num] === 1);
    const count = Math.ceil((limit * SPARE) / Math.max(pass, limit / MOST_TRIED)) + SPARE_AT_LEAST;
    const best = passing(connection, this.#bestFirst(among, count), { filter, limit });
    if (best.length >= limit || among.length <= count) return best;
    return passing(connection, this.#bestFirst(among, among.length), { filter, limit });
  }

  /** The best of these memories, best first. */
  #bestFirst(all: readonly number[], count: number): number[] {
    return this.#leading(all, count)
      .sort(bestFirst)
      .map(({ num }) => num);
  }

  #leading(all: readonly number[], count: number): ScoredMemory[] {
    return leading(all, (num) => this.#scores[num] ?? 0, count);
  }

  /** Forgets the lengths of memories that changed. @param last number of the last change */
  #follow(connection: Connection, last: number): void {
    const isKnown = this.#connection === connection;
    if (isKnown && last <= this.#sequence) return;
    const changed = isKnown ? selectChanged.arrays(connection, this.#sequence, MAX_FOLLOWED) : [];
    if (isKnown && changed.length < MAX_FOLLOWED) {
      for (const [num, sequence] of changed) {
        this.#lengths[num] = 0;
        this.#sequence = sequence;
      }
      return;
    }
    this.#lengths.fill(0);
    this.#sequence = readTotals(connection).sequence;
    this.#connection = connection;
  }

  #readLengths(connection: Connection, nums: readonly number[]): void {
    const unknown = nums.filter((num) => (this.#lengths[num] ?? 0) === 0);
    if (unknown.length === 0) return;
    const highest = unknown.reduce((most, num) => Math.max(most, num), 0);
    if (highest >= this.#lengths.length) {
      const [lengths, scores] = [new Int32Array(2 * highest), new Float64Array(2 * highest)];
      lengths.set(this.#lengths);
      scores.set(this.#scores);
      [this.#lengths, this.#scores] = [lengths, scores];
    }
    for (const [num, lengths] of selectLengths.arrays(connection, JSON.stringify(unknown))) {
      this.#lengths[num] = sum(readVarints(lengths));
    }
  }
}

/** The result of a search by words in one transaction. */
export interface FoundWords {
  /** About the most that a text can score for these words, as if it repeated each of them without end. */
  readonly bound: number;
  /**
   * The best that pass the filter, by BM25 with smoothed lengths, the newer first among equals. Exact for a term that
   * occurs once in the text, and close to BM25 computed anew otherwise.
   */
  readonly best: (wanted: WantedWords) => Candidate[];
}

interface WantedWords {
  readonly filter: MemoryFilter;
  readonly sets: FilterSets;
  readonly rows: CandidateRows;
  readonly limit: number;
}

interface ScoredMemory {
  readonly num: number;
  readonly score: number;
}

/** Of equals the newer first. */
function bestFirst(a: ScoredMemory, b: ScoredMemory): number {
  return b.score - a.score || b.num - a.num;
}

/** The best of these memories, in no order; ties at the end go to the newer. */
function leading(nums: readonly number[], scoreOf: (num: number) => number, count: number): ScoredMemory[] {
  const scores = nums.map(scoreOf);
  const lowest = nums.length > count ? greatest([...scores], count) : -Infinity;
  const best: ScoredMemory[] = [];
  for (let place = 0; place < nums.length; place++) {
    const score = scores[place] ?? 0;
    if (score >= lowest) best.push({ num: nums[place] ?? 0, score });
  }
  return best.length <= count ? best : best.sort(bestFirst).slice(0, count);
}

/** The greatest of some numbers down to this place, which counts from 1. They are put into another order, but not sorted. */
function greatest(numbers: number[], place: number): number {
  const wanted = numbers.length - place;
  const at = (index: number): number => numbers[index] ?? 0;
  let [first, last] = [0, numbers.length - 1];
  while (first < last) {
    const middle = at((first + last) >> 1);
    let [left, right] = [first, last];
    while (left <= right) {
      while (at(left) < middle) left++;
      while (at(right) > middle) right--;
      if (left > right) break;
      [numbers[left], numbers[right]] = [at(right), at(left)];
      left++;
      right--;
    }
    if (wanted > right && wanted < left) break;
    if (wanted <= right) last = right;
    else first = left;
  }
  return at(wanted);
}

/** A set of at most this part of the memories saves more than it costs to read. */
const WORTH_A_SET = 0.4;
/** How many more matches than the estimate are looked at. */
const SPARE = 1.5;
const SPARE_AT_LEAST = 50;
/** Of the first try. */
const MOST_TRIED = 5_000;

const IS_TURN = { isTurn: true } as const;

/** Memories in the order of their numbers, with one value each. */
interface Found {
  readonly nums: readonly number[];
  readonly values: readonly number[];
}

/** How often a token occurs in each memory that has it. */
function occurrences(connection: Connection, token: string): Found {
  const [row] = selectOccurrences.arrays(connection, token);
  // SQLite made the list, of row numbers.
  const all = JSON.parse(row?.[0] ?? '[]') as number[];
  const nums: number[] = [];
  const values: number[] = [];
  let last = 0;
  for (const num of all) {
    if (num === last) values[nums.length - 1] = (values[nums.length - 1] ?? 0) + 1;
    else {
      nums.push(num);
      values.push(1);
      last = num;
    }
  }
  return { nums, values };
}

/** BM25 of one term by FTS5 itself. */
function scored(connection: Connection, term: QueryTerm): Found {
  const rows = selectScored.arrays(connection, termQuery(term));
  return { nums: rows.map(([num]) => num), values: rows.map(([, score]) => score) };
}

/** The first memories of a list that pass the filter, in the order of the list. */
function passing(
  connection: Connection,
  nums: readonly number[],
  { filter, limit }: Pick<WantedWords, 'filter' | 'limit'>,
): number[] {
  const condition = filterCondition(filter, true, 'each');
  return new Query<SqlValue[], [num: number]>(
    `SELECT m.num FROM json_each(?) w CROSS JOIN memory m ON m.num = w.value WHERE ${condition.sql} LIMIT ?`,
  )
    .arrays(connection, JSON.stringify(nums), ...condition.parameters, limit)
    .map(([num]) => num);
}

/** The factor of a text's BM25 that makes it as if all texts were `SMOOTHING_TOKENS` longer. */
function smoothing(length: number, mean: number): number {
  const average = Math.max(1, mean);
  const before = length / average;
  const after = (length + SMOOTHING_TOKENS) / (average + SMOOTHING_TOKENS);
  return (1 + K1 * (1 - B + B * before)) / (1 + K1 * (1 - B + B * after));
}

interface IndexState {
  readonly rows: number;
  readonly tokens: number;
  /** Of the last change. */
  readonly sequence: number;
}

/** FTS5 keeps the number of rows, then the tokens of each column. */
function readState(connection: Connection): IndexState {
  const [state] = selectState.arrays(connection);
  const [averages = '', sequence] = state ?? [];
  const [rows = 0, ...tokens] = readVarints(averages);
  return { rows, tokens: sum(tokens), sequence: sequence ?? 0 };
}

/** SQLite's variable-length integers of at most eight bytes: seven bits a byte, the highest bit set but in the last. */
function readVarints(hex: string): number[] {
  const values: number[] = [];
  let value = 0;
  for (let index = 0; index < hex.length; index += 2) {
    const byte = hexDigit(hex, index) * 16 + hexDigit(hex, index + 1);
    value = value * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    values.push(value);
    value = 0;
  }
  return values;
}

/** SQLite writes them with capitals. */
function hexDigit(hex: string, index: number): number {
  const code = hex.charCodeAt(index);
  return code <= 0x39 ? code - 0x30 : code - 0x37;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
