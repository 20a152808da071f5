import { InvalidInputError, NotFoundError, SecretRejectedError } from '../errors/input-errors.ts';
import type { MemoryStore } from '../store/memory-store.ts';
import { namedUuid } from '../util/uuid.ts';
import { CONVERSATION_ROLES, type ConversationRole, isName, MAX_NAME_LENGTH } from './attributes.ts';
import { checkInteger, checkString, type InputChecker } from './input.ts';
import type { Memory, MemoryDraft } from './memory.ts';
import type { Metadata } from './version.ts';

/** One turn of a conversation, as a client's transcript has it. */
export interface CapturedTurn {
  /** From 0, in the order of the conversation. Names the turn: the same position is the same turn. */
  readonly position: number;
  readonly role: ConversationRole;
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

export interface CaptureRequest {
  /** The program that held the conversation, for example `claude-code`. */
  readonly client: string;
  /** Names the conversation together with `client`. */
  readonly session: string;
  readonly project?: string;
  /** Default: the client. */
  readonly source?: string;
  /** The working folder of the conversation. It is compared with the excluded folders, and not stored. */
  readonly folder?: string;
  readonly turns: readonly CapturedTurn[];
  /** Returns the report and writes nothing. Default false. */
  readonly dryRun?: boolean;
}

export interface CaptureReport {
  /** New turns. */
  readonly added: number;
  /** Turns whose text has changed since they were captured; the older text is in their history. */
  readonly updated: number;
  /** Turns that were stored before with this text. */
  readonly known: number;
  /**
   * Number of turns that were left out, by reason: `off` (conversations are switched off), `excluded` (their project or
   * folder), `private`, `empty`, `secret` (secrets are refused), `long` (over the limit of a text), `old` (over the
   * retention of conversations), `deleted` (a user deleted the turn). A reason without turns is absent.
   */
  readonly left: Readonly<Record<string, number>>;
}

/** The decisions of users about conversations. */
export interface ConversationRules {
  /** False keeps none. */
  readonly enabled: boolean;
  /** Projects and folders of which none is kept, with `*` for any characters. A folder includes its content. */
  readonly exclude: readonly string[];
  /** Days that a conversation is kept after its last turn; 0 = for ever. */
  readonly days: number;
}

export const KEEP_CONVERSATIONS: ConversationRules = { enabled: true, exclude: [], days: 0 };

const DAY_MS = 86_400_000;
const BATCH = 500;
/** Scans for secrets take a while, so other calls get their turn after so many turns. */
const SCANNED_AT_ONCE = 20;

export interface CaptureParts {
  readonly store: MemoryStore;
  readonly checker: InputChecker;
  readonly rules: ConversationRules;
  readonly textLimit: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Stores turns of a conversation word for word, without secrets and private parts. The id of a turn is made from
 * client, session and position, so that two captures of the same turn store it once.
 */
export async function captureTurns(parts: CaptureParts, request: CaptureRequest): Promise<CaptureReport> {
  checkNames(request);
  const counts = new CaptureCounts();
  const { enabled, exclude } = parts.rules;
  if (!enabled || isExcluded(request, exclude)) {
    counts.leave(enabled ? 'excluded' : 'off', request.turns.length);
    return counts.report();
  }
  if (isOver(parts, request)) {
    counts.leave('old', request.turns.length);
    return counts.report();
  }
  const drafts = await prepareTurns(parts, request, counts);
  for (let start = 0; start < drafts.length; start += BATCH) {
    await storeTurns(parts, drafts.slice(start, start + BATCH), { counts, dryRun: request.dryRun === true });
  }
  return counts.report();
}

/** Whether the newest of the turns is older than conversations are kept; a young one keeps those before it. */
function isOver({ rules, now }: CaptureParts, { turns }: CaptureRequest): boolean {
  if (rules.days === 0) return false;
  const oldest = now() - rules.days * DAY_MS;
  return turns.every(({ createdAt }) => createdAt < oldest);
}

/** The id of a turn; the same on every machine, for ever. */
export function turnId({ client, session }: CaptureRequest, position: number): string {
  return namedUuid(['conversation', client, session, String(position)]);
}

class CaptureCounts {
  added = 0;
  updated = 0;
  known = 0;
  readonly left: Record<string, number> = {};

  leave(reason: string, count = 1): void {
    if (count > 0) this.left[reason] = (this.left[reason] ?? 0) + count;
  }

  report(): CaptureReport {
    return { added: this.added, updated: this.updated, known: this.known, left: this.left };
  }
}

/** @throws InvalidInputError */
function checkNames({ client, session, turns }: CaptureRequest): void {
  for (const [field, value] of Object.entries({ client, session })) {
    const text = checkString(field, value);
    if (isName(text)) continue;
    const tooLong = text === '' || text.length > MAX_NAME_LENGTH;
    const problem = tooLong ? `has ${text.length} characters` : 'has a NUL character';
    throw new InvalidInputError(field, problem, `allowed is a text of 1 to ${MAX_NAME_LENGTH} characters`);
  }
  turns.forEach(({ position, role, createdAt }, index) => {
    checkInteger(`turns[${index}].position`, position, { min: 0, max: Number.MAX_SAFE_INTEGER });
    if (!CONVERSATION_ROLES.includes(role)) {
      const allowed = `allowed is one of ${CONVERSATION_ROLES.join(', ')}`;
      throw new InvalidInputError(`turns[${index}].role`, `is ${JSON.stringify(role)}`, allowed);
    }
    checkInteger(`turns[${index}].createdAt`, createdAt, { min: -LAST_TIME, max: LAST_TIME });
  });
}

/** The last time of JavaScript's calendar. */
const LAST_TIME = 8_640_000_000_000_000;

type TurnDraft = MemoryDraft & { readonly id: string };

/** The turns that may be stored, without secrets and private parts; of several with one position the last one. */
async function prepareTurns(
  parts: CaptureParts,
  request: CaptureRequest,
  counts: CaptureCounts,
): Promise<TurnDraft[]> {
  const drafts = new Map<string, TurnDraft>();
  for (const [index, turn] of request.turns.entries()) {
    if (index % SCANNED_AT_ONCE === SCANNED_AT_ONCE - 1) await nextTurn();
    const prepared = prepareTurn(parts, request, turn);
    if (typeof prepared === 'string') counts.leave(prepared);
    else drafts.set(prepared.id, prepared);
  }
  return [...drafts.values()];
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @returns the reason when the turn is left out */
function prepareTurn(
  { checker, textLimit }: CaptureParts,
  request: CaptureRequest,
  turn: CapturedTurn,
): TurnDraft | string {
  // A transcript may hold characters that no database takes; it loses only these.
  const whole = turn.text.replaceAll('\0', '').toWellFormed();
  if (whole.trim() === '') return 'empty';
  const text = withoutPrivate(whole).trim();
  if (text === '') return 'private';
  if (text.length > textLimit) return 'long';
  const { client, session, project, source = client } = request;
  const { position, role, createdAt } = turn;
  const metadata: Metadata = project === undefined || project === '' ? {} : { project };
  try {
    const { value } = checker.content('', { text, source, metadata });
    // Names of sessions look like secrets and are none.
    const part = { kind: 'conversation', client, session, position, role };
    return { ...value, metadata: { ...value.metadata, ...part }, id: turnId(request, position), createdAt };
  } catch (error) {
    if (error instanceof SecretRejectedError) return 'secret';
    throw error;
  }
}

async function storeTurns(
  { store }: CaptureParts,
  drafts: readonly TurnDraft[],
  { counts, dryRun }: { readonly counts: CaptureCounts; readonly dryRun: boolean },
): Promise<void> {
  const outcomes = await store.import(drafts, { dryRun });
  const differing: string[] = [];
  for (const outcome of outcomes) {
    if (outcome.outcome === 'added') counts.added += 1;
    else if (outcome.outcome !== 'conflict') counts.known += 1;
    else if (outcome.reason === 'different') differing.push(outcome.id);
    else counts.leave('deleted');
  }
  if (differing.length === 0) return;
  const byId = new Map(drafts.map((draft) => [draft.id, draft]));
  for (const memory of await store.get(differing)) {
    const draft = byId.get(memory.id);
    // A text that the history knows was captured before, and changed by a user since.
    const isKnown = draft === undefined || memory.history.some((version) => isSaid(version, draft));
    if (isKnown) {
      counts.known += 1;
      continue;
    }
    if (dryRun || (await isUpdated(store, memory.id, draft))) counts.updated += 1;
    else counts.leave('deleted');
  }
}

/** @returns false when another process deleted the turn meanwhile */
async function isUpdated(store: MemoryStore, id: string, { text, metadata }: TurnDraft): Promise<boolean> {
  try {
    await store.update(id, { text, mergeMetadata: metadata });
    return true;
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof InvalidInputError) return false;
    throw error;
  }
}

function isSaid(version: Pick<Memory, 'text' | 'metadata'>, draft: MemoryDraft): boolean {
  return version.text === draft.text && version.metadata['role'] === draft.metadata['role'];
}

const PRIVATE_TAG = /<(\/?)private(?:\s[^<>]*)?>/gi;

/**
 * The text without the parts between `<private>` and `</private>`, in any case and nested. A part that is not closed
 * reaches to the end, because the rest of a turn may be cut off.
 */
export function withoutPrivate(text: string): string {
  let kept = '';
  let depth = 0;
  let end = 0;
  for (const { 0: tag, 1: closing, index } of text.matchAll(PRIVATE_TAG)) {
    if (depth === 0) kept += text.slice(end, index);
    depth = closing === '/' ? Math.max(0, depth - 1) : depth + 1;
    end = index + tag.length;
  }
  return depth === 0 ? kept + text.slice(end) : kept;
}

/** True when a rule names the project, or the folder or one that it is in. */
function isExcluded({ project = '', folder = '' }: CaptureRequest, exclude: readonly string[]): boolean {
  const path = slashes(folder);
  return exclude.some((rule) => {
    const pattern = slashes(rule)
      .split('*')
      .map((part) => part.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&'))
      .join('.*');
    const matches = new RegExp(`^${pattern}(?:/.*)?$`, 'is');
    return (project !== '' && matches.test(slashes(project))) || (folder !== '' && matches.test(path));
  });
}

/** Windows separates folders by backslashes, and long paths begin with `\\?\`; a slash at the end says nothing. */
function slashes(path: string): string {
  return path
    .replaceAll('\\', '/')
    .replace(/^\/\/\?\/UNC\//i, '//')
    .replace(/^\/\/\?\//, '')
    .replace(/\/+$/, '');
}
