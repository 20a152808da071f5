import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Question {
  readonly text: string;
  /** Only documents of this partition are searched. */
  readonly partition: string;
  /** Gain of each relevant document, by its id. */
  readonly gold: ReadonlyMap<string, number>;
  readonly category?: string;
}

/** A retrieval task: documents, and questions with the documents that answer them. */
export interface Dataset {
  readonly name: string;
  readonly documents: readonly {
    readonly id: string;
    readonly text: string;
    readonly partition: string;
    /** Names the conversation that it is a turn of, as an import would. */
    readonly session?: string;
  }[];
  readonly questions: readonly Question[];
  /** Questions that no document of their partition answers. */
  readonly unanswered?: readonly Question[];
  /** Group of a document, for example a chat session, for a second metric. */
  readonly groupOf?: (documentId: string) => string;
}

/** The folder in `EVAL_DATA`, if it exists. Third-party data is never part of this repository. */
export function evaluationFolder(): string | undefined {
  const folder = process.env['EVAL_DATA'] ?? '../shared/evaldata';
  return existsSync(folder) ? folder : undefined;
}

export function loadDatasets(folder: string): Dataset[] {
  const loaders: Record<string, (folder: string) => Dataset> = { locomo, scifact, devbench };
  return Object.entries(loaders)
    .filter(([name]) => existsSync(join(folder, name)))
    .map(([name, load]) => load(join(folder, name)));
}

interface LocomoTurn {
  id: string;
  conv: string;
  session: number;
  speaker: string;
  text: string;
  image_caption?: string;
}

function locomo(folder: string): Dataset {
  const turns = readJsonLines<LocomoTurn>(join(folder, 'docs.jsonl'));
  const questions = readJsonLines<LocomoQuestion>(join(folder, 'queries.jsonl'))
    .filter(({ gold }) => gold.length > 0)
    .map(({ conv, question, gold, category_name: category }): Question => {
      return { text: question, partition: conv, gold: new Map(gold.map((id) => [id, 1])), category };
    });
  const sessions = new Map(turns.map((turn) => [turn.id, `${turn.conv}/${turn.session}`]));
  return {
    name: 'LoCoMo',
    documents: turns.map((turn) => ({
      id: turn.id,
      text: `${turn.speaker}: ${turn.text} ${turn.image_caption ?? ''}`.trim(),
      partition: turn.conv,
      session: `${turn.conv}/${turn.session}`,
    })),
    questions,
    unanswered: askedElsewhere(questions),
    groupOf: (id) => sessions.get(id) ?? id,
  };
}

interface LocomoQuestion {
  conv: string;
  question: string;
  gold: string[];
  category_name: string;
}

/** Every second question, asked in the next conversation, whose people never speak of it. */
function askedElsewhere(questions: readonly Question[]): Question[] {
  const partitions = [...new Set(questions.map(({ partition }) => partition))];
  return questions
    .filter((_, place) => place % 2 === 0)
    .map((question) => {
      const next = partitions[(partitions.indexOf(question.partition) + 1) % partitions.length];
      return { ...question, partition: next ?? '', gold: new Map() };
    });
}

function scifact(folder: string): Dataset {
  const corpus = readJsonLines<{ _id: string; title: string; text: string }>(join(folder, 'corpus.jsonl'));
  const queries = readJsonLines<{ _id: string; text: string }>(join(folder, 'queries.jsonl'));
  const judgements = new Map<string, Map<string, number>>();
  for (const line of readFileSync(join(folder, 'qrels.tsv'), 'utf8').split('\n').slice(1)) {
    const [query, document, gain] = line.split('\t');
    if (query === undefined || document === undefined || Number(gain) <= 0) continue;
    judgements.set(query, (judgements.get(query) ?? new Map<string, number>()).set(document, Number(gain)));
  }
  return {
    name: 'SciFact',
    documents: corpus.map(({ _id, title, text }) => ({ id: _id, text: `${title} ${text}`, partition: '' })),
    questions: queries.flatMap(({ _id, text }) => {
      const gold = judgements.get(_id);
      return gold === undefined ? [] : [{ text, partition: '', gold }];
    }),
  };
}

function devbench(folder: string): Dataset {
  const { memories, queries } = JSON.parse(readFileSync(join(folder, 'devbench_dataset.json'), 'utf8')) as {
    memories: { id: string; content: string }[];
    queries: { question: string; expected_tags: string[] }[];
  };
  const questions = queries.map(({ question, expected_tags: gold }): Question => {
    return { text: question, partition: '', gold: new Map(gold.map((id) => [id, 1])) };
  });
  return {
    name: 'DevBench',
    documents: memories.map(({ id, content }) => ({ id, text: content, partition: '' })),
    questions: questions.filter(({ gold }) => gold.size > 0),
    unanswered: questions.filter(({ gold }) => gold.size === 0),
  };
}

function readJsonLines<Row>(file: string): Row[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Row);
}
