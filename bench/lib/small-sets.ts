import { readFileSync } from 'node:fs';
import type { Dataset } from './datasets.ts';
import { seededRandom } from './metrics.ts';

/** A note as people keep it, and a question that its owner may ask later. */
interface Fact {
  readonly text: string;
  readonly question: string;
}

interface Facts {
  readonly facts: readonly (Fact & {
    /** The same question without any word of the note. */
    readonly reworded: string;
  })[];
  /** Notes that answer no question. */
  readonly others: readonly string[];
}

/** Draws of each size; the largest store has all facts and the others. */
const DRAWS = 20;
const SIZES = [5, 20, 50] as const;

/** Stores of 5, 20 and 50 short facts, many of each size, with the questions of the facts in them. */
export function factSets(): Dataset[] {
  const { facts, others } = readJson('facts.json') as Facts;
  const random = seededRandom(1);
  return (['question', 'reworded'] as const).flatMap((kind) =>
    SIZES.flatMap((size) =>
      Array.from({ length: size > facts.length ? 1 : DRAWS }, () => {
        const drawn = size > facts.length ? facts : shuffled(facts, random).slice(0, size);
        const pairs = drawn.map(({ text, ...fact }) => ({ text, question: fact[kind] }));
        const rest = size > facts.length ? others : [];
        return smallSet(`${size} facts, ${kind === 'question' ? 'asked' : 'reworded'}`, pairs, rest);
      }),
    ),
  );
}

/** One store of 20 facts a language, with questions in the same language. */
export function languageSets(): Dataset[] {
  const languages = readJson('languages.json') as Record<string, readonly Fact[]>;
  return Object.entries(languages).map(([name, pairs]) => smallSet(`20 facts, ${name}`, pairs, []));
}

function smallSet(name: string, pairs: readonly Fact[], others: readonly string[]): Dataset {
  return {
    name,
    documents: [...pairs.map(({ text }) => text), ...others].map((text, place) => ({
      id: String(place),
      text,
      partition: '',
    })),
    questions: pairs.map(({ question }, place) => ({
      text: question,
      partition: '',
      gold: new Map([[String(place), 1]]),
    })),
  };
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Relative to the working directory, because the program runs bundled. */
function readJson(name: string): unknown {
  return JSON.parse(readFileSync(`bench/data/${name}`, 'utf8'));
}
