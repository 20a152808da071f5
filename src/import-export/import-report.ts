import type { ImportOutcome } from '../memory/import.ts';
import type { CapturedTurns, Conversation } from './transcripts/conversation.ts';

/** An entry that was not imported. */
export interface ImportProblem {
  /** Number of the line, from 1, where the source has lines. */
  readonly line?: number;
  /** Elsewhere: the place in words, for example `entry 3` or the path of a note. */
  readonly place?: string;
  /** Id of the memory. Absent when the entry could not be read or has no id. */
  readonly id?: string;
  /** `conflict`: the store has the memory with other content, or it was deleted. `rejected`: the entry is invalid. */
  readonly kind: 'conflict' | 'rejected';
  /** One sentence, which never quotes the text of a memory. */
  readonly problem: string;
}

export interface ImportProgress {
  /** Number of lines read, including empty ones. */
  readonly lines: number;
  /** Number of bytes read. */
  readonly bytes: number;
  readonly added: number;
  readonly existing: number;
  readonly updated: number;
  readonly conflicts: number;
  readonly rejected: number;
}

export interface ImportSummary extends ImportProgress {
  /** Name of the format that was recognized or asked for, for example `json-lines`. */
  readonly format: string;
  /** Number of conversations that the source has turns of. */
  readonly conversations: number;
  /** How many of the memories are turns of conversations, whatever happened to them. */
  readonly turns: number;
  /** Remarks about entries, with their number, for example about times that cannot be read. */
  readonly noted: Readonly<Record<string, number>>;
  /** Reasons for which entries were left out as junk, with their number, for example `an empty note`. */
  readonly omitted: Readonly<Record<string, number>>;
  /** False when the import was interrupted. The same file can then be imported again. */
  readonly completed: boolean;
  /** Number of existing memories that got tags, a source or metadata from the file. */
  readonly gained: number;
  /** Number of memories in which secrets were masked. */
  readonly masked: number;
  /** Names of fields that were moved into the metadata, with the number of memories. At most 100 names. */
  readonly moved: Readonly<Record<string, number>>;
  /** Names of fields that were not imported, with the number of memories. At most 100 names. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Sentences about the file as a whole, for example that it is incomplete. */
  readonly warnings: readonly string[];
}

const MAX_NAMES = 100;

/** The reasons of the memory service to leave out a turn, in words. */
const CAPTURE_REASONS: Readonly<Record<string, string>> = {
  off: 'a turn, because conversations are switched off',
  excluded: 'a turn of an excluded project or folder',
  private: 'a private turn',
  empty: 'an empty turn',
  secret: 'a turn with a secret',
  long: 'a turn over the limit of a text',
  old: 'a turn over the retention of conversations',
  deleted: 'a turn that was deleted here',
};

/** Counts the results of one import. */
export class ImportCounter {
  readonly #counts = { added: 0, existing: 0, updated: 0, conflicts: 0, rejected: 0 };
  readonly #moved = new Map<string, number>();
  readonly #ignored = new Map<string, number>();
  readonly #omitted = new Map<string, number>();
  readonly #noted = new Map<string, number>();
  readonly #warnings: string[] = [];
  readonly #format: string;
  #conversations = 0;
  /** Turns of one conversation come together. */
  #conversation = '';
  #turns = 0;
  #masked = 0;
  #gained = 0;
  lines = 0;
  bytes = 0;

  constructor(format: string) {
    this.#format = format;
  }

  reject(): void {
    this.#counts.rejected += 1;
  }

  count(outcome: ImportOutcome): void {
    if (outcome.outcome === 'conflict') this.#counts.conflicts += 1;
    else this.#counts[outcome.outcome] += 1;
    if ('gained' in outcome && outcome.gained.length > 0) this.#gained += 1;
    if ('masked' in outcome && outcome.masked.length > 0) this.#masked += 1;
  }

  countFields(fields: { readonly moved?: readonly string[]; readonly ignored?: readonly string[] }): void {
    for (const name of fields.moved ?? []) increase(this.#moved, name);
    for (const name of fields.ignored ?? []) increase(this.#ignored, name);
  }

  omit(reason: string): void {
    increase(this.#omitted, reason);
  }

  note(note: string): void {
    increase(this.#noted, note);
  }

  countTurns(
    { client, session }: Pick<Conversation, 'client' | 'session'>,
    { added, updated, known, left }: CapturedTurns,
  ): void {
    const name = `${client} ${session}`;
    if (name !== this.#conversation) this.#conversations += 1;
    this.#conversation = name;
    this.#turns += added + updated + known;
    this.#counts.added += added;
    this.#counts.updated += updated;
    this.#counts.existing += known;
    for (const [reason, count] of Object.entries(left))
      increase(this.#omitted, CAPTURE_REASONS[reason] ?? reason, count);
  }

  /** A source with many damaged parts keeps its first warnings. */
  warn(warning: string): void {
    if (this.#warnings.length < MAX_NAMES) this.#warnings.push(warning);
  }

  progress(): ImportProgress {
    return { lines: this.lines, bytes: this.bytes, ...this.#counts };
  }

  summary(completed: boolean): ImportSummary {
    return {
      ...this.progress(),
      completed,
      format: this.#format,
      conversations: this.#conversations,
      turns: this.#turns,
      noted: Object.fromEntries(this.#noted),
      omitted: Object.fromEntries(this.#omitted),
      gained: this.#gained,
      masked: this.#masked,
      moved: Object.fromEntries(this.#moved),
      ignored: Object.fromEntries(this.#ignored),
      warnings: [...this.#warnings],
    };
  }
}

/** Counts a name. The limit prevents a hostile file from filling the memory with names. */
function increase(counts: Map<string, number>, name: string, by = 1): void {
  if (counts.has(name) || counts.size < MAX_NAMES) counts.set(name, (counts.get(name) ?? 0) + by);
}

/** The place of a problem in words. */
export function placeOf({ line, place = '' }: ImportProblem): string {
  return line === undefined ? place : `line ${line}`;
}

/** Adds numbers by their reasons. */
export function countReasons(counts: Map<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [reason, number] of Object.entries(more)) increase(counts, reason, number);
}
