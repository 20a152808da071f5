import { tokensOf } from '../api/answer-size.ts';
import { attributesOf } from '../memory/attributes.ts';
import type { Memory } from '../memory/memory.ts';
import { isPartOf } from '../memory/ranking.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import { beginningOf } from '../memory/snippet.ts';
import type { TimeZone } from '../util/time-zone.ts';
import { withoutHiddenLine } from '../util/visible-text.ts';

/** Memories under one heading of a text that a client puts in front of its model unasked. */
export interface RecalledSection {
  /** Empty = no heading. */
  readonly heading: string;
  /** The most important first; they are shown the oldest first, so that a new one does not move the others. */
  readonly entries: readonly RecalledEntry[];
  /** Of the budget; the part that an earlier section left is free for all later ones. */
  readonly tokens: number;
}

export interface RecalledEntry {
  readonly memory: Memory;
  /** The shown part of its text. */
  readonly text: string;
}

interface RecalledTextOptions {
  readonly budget: number;
  readonly zone: TimeZone;
  readonly onShown: ((memories: readonly Memory[]) => void) | undefined;
}

/** Where the texts come from. */
export interface RecallSource extends Pick<MemoryApi, 'search' | 'list' | 'timeZone'> {
  /** Hears of the memories that a text shows. */
  readonly noteGiven?: (memories: readonly Memory[]) => void;
}

/** One memory takes no more of a budget than this, in characters. */
export const ENTRY_LENGTH = 280;
/** A line of a list, with its mark and its line end. */
const LINE_TOKENS = 2;

/**
 * The sections as a text: its first line says that all that follows is data. A memory is one line behind a mark, and
 * holds no line end, so none can end its own quotation. The same memories always give the same text.
 * @param budget tokens of the whole text, by an estimate that errs high
 * @param onShown gets the memories that are in the text, when there are any
 * @returns empty when no memory fits
 */
export function recalledText(
  first: string,
  sections: readonly RecalledSection[],
  { budget, zone, onShown }: RecalledTextOptions,
): string {
  const lines: string[] = [first];
  const shown = new Map<string, Memory>();
  let left = budget - tokensOf(first) - LINE_TOKENS;
  for (const { heading, entries, tokens } of sections) {
    const head = heading === '' ? [] : [`## ${withoutHiddenLine(heading)}`];
    const frame = head.reduce((sum, line) => sum + tokensOf(line) + LINE_TOKENS, 0);
    let room = Math.min(tokens, left) - frame;
    const taken: { readonly line: string; readonly memory: Memory }[] = [];
    for (const { memory, text } of entries) {
      if (shown.has(memory.id)) continue;
      const line = lineOf(memory, text, zone);
      const cost = tokensOf(line) + LINE_TOKENS;
      if (cost > room) continue;
      room -= cost;
      left -= cost;
      shown.set(memory.id, memory);
      taken.push({ line, memory });
    }
    if (taken.length === 0) continue;
    left -= frame;
    const ordered = taken.sort(
      (a, b) => a.memory.createdAt - b.memory.createdAt || (a.memory.id < b.memory.id ? -1 : 1),
    );
    lines.push(...head, ...ordered.map(({ line }) => line));
  }
  if (shown.size === 0) return '';
  onShown?.([...shown.values()]);
  return lines.join('\n');
}

/** Tokens of a section with all of its entries, about as much as `recalledText` counts. */
export function sectionTokens(heading: string, entries: readonly RecalledEntry[]): number {
  const own = tokensOf(`## ${heading}`) + LINE_TOKENS;
  // Every day is written with as many characters.
  return entries.reduce((sum, { text }) => sum + tokensOf(`> 2026-01-31 ${plain(text)}`) + LINE_TOKENS, own);
}

function plain(text: string): string {
  return withoutHiddenLine(text).replaceAll(/\s+/gu, ' ').trim();
}

/** `> 2026-01-31 the text`: the day it was true, else the day it was stored. */
function lineOf(memory: Memory, text: string, zone: TimeZone): string {
  const { occurredAt } = attributesOf(memory.metadata);
  return `> ${zone.day(occurredAt ?? memory.createdAt)} ${beginningOf(plain(text), ENTRY_LENGTH)}`;
}

/**
 * Whether a memory may be shown unasked in a project: a fact of that project or of none that has not expired. Parts of
 * conversations are found when they are asked for.
 * @param project null = outside of any project
 */
export function isOfferedIn(project: string | null, { metadata }: Memory, now: number): boolean {
  const { kind, project: own, expiresAt } = attributesOf(metadata);
  const holds = own === null || (project !== null && isPartOf(project, own));
  return kind === 'fact' && holds && (expiresAt === null || expiresAt > now);
}
