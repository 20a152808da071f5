import { isUuid } from '../util/uuid.ts';
import { isDay } from '../util/time-zone.ts';
import type { Metadata } from './version.ts';

/**
 * fact: written on purpose, by a person or an assistant. conversation: a part of a conversation, kept word for word.
 */
export type MemoryKind = 'fact' | 'conversation';

export const CONVERSATION_ROLES = ['user', 'assistant', 'system'] as const;
export type ConversationRole = (typeof CONVERSATION_ROLES)[number];

/** Where a part of a conversation belongs. */
export interface ConversationPart {
  /** Names the conversation together with `client`. */
  readonly session: string;
  /** From 0, in the order of the conversation. */
  readonly position: number;
  readonly role: ConversationRole;
  /** The program that held the conversation, for example `claude-code`; empty = unknown. */
  readonly client: string;
}

/** The meaning of the well-known members of a memory's metadata. Times are milliseconds since the epoch, UTC. */
export interface MemoryAttributes {
  readonly kind: MemoryKind;
  /** Null for a fact. */
  readonly conversation: ConversationPart | null;
  readonly project: string | null;
  /** When the statement was true, or the event happened. */
  readonly occurredAt: number | null;
  /** From then on it is no longer found. */
  readonly expiresAt: number | null;
  /** Only facts can be pinned. */
  readonly pinned: boolean;
  /** Id of the memory that this one replaces; only facts replace another. */
  readonly supersedes: string | null;
}

/**
 * Reads the well-known members. Metadata comes from any client, so a member of another type or form counts as absent:
 * it never makes a memory unreadable.
 */
export function attributesOf(metadata: Metadata): MemoryAttributes {
  const conversation = conversationOf(metadata);
  const isFact = conversation === null;
  return {
    kind: isFact ? 'fact' : 'conversation',
    conversation,
    project: textOf(metadata['project']),
    occurredAt: timeOf(metadata['occurred_at']),
    expiresAt: timeOf(metadata['expires']),
    pinned: isFact && metadata['pinned'] === true,
    supersedes: isFact ? idOf(metadata['supersedes']) : null,
  };
}

/** Longest name of a session or a client, in UTF-16 code units: stores keep them in indexes. */
export const MAX_NAME_LENGTH = 200;

function conversationOf(metadata: Metadata): ConversationPart | null {
  const { kind, position, role } = metadata;
  const session = nameOf(metadata['session']);
  if (kind !== 'conversation' || session === null) return null;
  const isPosition = typeof position === 'number' && Number.isSafeInteger(position) && position >= 0;
  const known = CONVERSATION_ROLES.find((name) => name === role);
  if (!isPosition || known === undefined) return null;
  return { session, position, role: known, client: nameOf(metadata['client']) ?? '' };
}

function nameOf(value: unknown): string | null {
  const text = textOf(value);
  return text !== null && isName(text) ? text : null;
}

/** Whether a session or a client can have this name. Databases cut texts at a NUL and cannot hold lone surrogates. */
export function isName(text: string): boolean {
  return text !== '' && text.length <= MAX_NAME_LENGTH && text.isWellFormed() && !text.includes('\0');
}

function idOf(value: unknown): string | null {
  const text = textOf(value);
  return text !== null && isUuid(text) ? text : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

const DAY_LENGTH = '2026-01-31'.length;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;

/** A date is its first moment in UTC. */
function timeOf(value: unknown): number | null {
  if (typeof value !== 'string' || !ISO_TIME.test(value) || !isDay(value.slice(0, DAY_LENGTH))) return null;
  const time = Date.parse(value);
  return Number.isNaN(time) ? null : time;
}
