import type { SearchRequest } from 'faiss-memory';
import { encode } from 'gpt-tokenizer';
import { PROMPT_TOKENS, recallForPrompt } from '../../src/recall/prompt-recall.ts';
import type { Dataset, Question } from './datasets.ts';
import type { EvaluatedStore } from './evaluated-store.ts';
import { interval, mean } from './metrics.ts';

export interface RecallRow {
  readonly prompts: string;
  readonly count: number;
  /** Part of the prompts that bring anything up, with its 95 % interval by bootstrap. */
  readonly something: string;
  /** Part of the prompts that bring up one of the memories that answer them. */
  readonly evidence: string;
  /** Greatest number of tokens of one text, by a real tokenizer. */
  readonly mostTokens: number;
}

interface Recalled {
  readonly category: string;
  readonly something: number;
  readonly evidence: number;
  readonly tokens: number;
}

/** Questions about the wrong person: no turn answers them, and the evidence is the turn that they were made from. */
const ADVERSARIAL = 'adversarial';

/** Characters of a memory that tell it from the others of a set. */
const TELLING_LENGTH = 80;

/**
 * The questions of a dataset as prompts, each with the memories of its own conversation, as if that were the whole
 * store. It uses the program's own code of the prompt hook.
 */
export async function measureRecall(dataset: Dataset, store: EvaluatedStore): Promise<RecallRow[]> {
  const texts = new Map(dataset.documents.map(({ id, text }) => [id, text]));
  const ask = async (question: Question): Promise<Recalled> => {
    const text = await recallForPrompt(
      {
        timeZone: store.app.memory.timeZone,
        search: (request) => store.app.memory.search(within(question.partition, request)),
      },
      { prompt: question.text, project: null },
    );
    const shown = text.replaceAll(/\s+/gu, ' ');
    const gold = [...question.gold.keys()].map((id) => texts.get(id) ?? '');
    return {
      category: question.category ?? '',
      something: text === '' ? 0 : 1,
      evidence: gold.some((memory) => shown.includes(beginningOf(memory))) ? 1 : 0,
      tokens: encode(text).length,
    };
  };
  const asked = await each(dataset.questions, ask);
  const elsewhere = await each(dataset.unanswered ?? [], ask);
  const [adversarial, answered] = [true, false].map((is) =>
    asked.filter(({ category }) => (category === ADVERSARIAL) === is),
  ) as [Recalled[], Recalled[]];
  const categories = [...new Set(answered.map(({ category }) => category))].sort();
  return [
    rowOf('not answered', [...elsewhere, ...adversarial]),
    rowOf('not answered: asked in another conversation', elsewhere),
    rowOf('not answered: adversarial', adversarial),
    rowOf('answered', answered),
    ...categories.map((category) =>
      rowOf(
        `answered: ${category}`,
        answered.filter((one) => one.category === category),
      ),
    ),
  ];
}

function within(partition: string, request: SearchRequest): SearchRequest {
  return partition === '' ? request : { ...request, filter: { ...request.filter, metadata: { partition } } };
}

function beginningOf(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim().slice(0, TELLING_LENGTH).trim();
}

async function each(
  questions: readonly Question[],
  ask: (question: Question) => Promise<Recalled>,
): Promise<Recalled[]> {
  const recalled: Recalled[] = [];
  for (const question of questions) recalled.push(await ask(question));
  return recalled;
}

function rowOf(prompts: string, recalled: readonly Recalled[]): RecallRow {
  const part = (of: (one: Recalled) => number): string => {
    if (recalled.length === 0) return 'none';
    const values = recalled.map(of);
    const [low, high] = interval(values);
    return `${mean(values).toFixed(3)} (${low.toFixed(3)}–${high.toFixed(3)})`;
  };
  const mostTokens = Math.max(0, ...recalled.map(({ tokens }) => tokens));
  if (mostTokens > PROMPT_TOKENS)
    throw new Error(`a text has ${mostTokens} tokens, more than ${PROMPT_TOKENS}`);
  return {
    prompts,
    count: recalled.length,
    something: part(({ something }) => something),
    evidence: part(({ evidence }) => evidence),
    mostTokens,
  };
}
