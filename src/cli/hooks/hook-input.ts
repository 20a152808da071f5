import type { HostInput } from '../host.ts';
import { isObject } from '../../util/json.ts';

/** The moments of a session in which a client calls a hook. */
export const HOOK_EVENTS = ['session-start', 'prompt', 'stop', 'pre-compact', 'session-end'] as const;
export type HookEvent = (typeof HOOK_EVENTS)[number];

/** The clients whose input and output are known. */
export const HOOK_CLIENTS = ['claude-code', 'codex', 'cursor', 'gemini-cli', 'opencode'] as const;
export type HookClient = (typeof HOOK_CLIENTS)[number];

/** The input of a client's call of a hook. Absent members are empty. */
export interface HookInput {
  readonly client: HookClient;
  /** The client's own name of the event, which its answer repeats. */
  readonly eventName: string;
  readonly session: string;
  /** Absolute path of the folder that the session works in. */
  readonly folder: string;
  readonly prompt: string;
  /** Path of the file with the turns of the session. */
  readonly transcript: string;
}

/** Longer input is not read to its end, and gets no answer. */
const MOST_BYTES = 4 << 20;

/** @returns undefined when there is no text, or too much of it, or it does not end in time */
export async function readHookText(stdin: HostInput, limitMs: number): Promise<string | undefined> {
  if (stdin.isTTY === true) return undefined;
  const pieces: Buffer[] = [];
  let size = 0;
  const read = new Promise<string | undefined>((resolve) => {
    stdin.on('data', (piece: Buffer | string) => {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
      size += bytes.length;
      if (size > MOST_BYTES) resolve(undefined);
      else pieces.push(bytes);
    });
    stdin.on('end', () => {
      resolve(Buffer.concat(pieces).toString('utf8'));
    });
    stdin.on('error', () => {
      resolve(undefined);
    });
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, limitMs), undefined);
  });
  try {
    return await Promise.race([read, late]);
  } finally {
    clearTimeout(timer);
    stdin.pause();
  }
}

/**
 * Reads the input of any of the clients, which name the same things differently.
 * @param named the client as the configuration of the hook names it; undefined = told from the input
 * @returns undefined when the text is no JSON object
 */
export function parseHookInput(text: string, named: HookClient | undefined): HookInput | undefined {
  let value: unknown;
  try {
    // Some shells of Windows begin with a byte order mark.
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const eventName = firstText(value, 'hook_event_name', 'hookEventName', 'event');
  return {
    client: named ?? clientOf(value, eventName),
    eventName,
    session: firstText(value, 'session_id', 'sessionId', 'conversation_id'),
    folder: firstText(value, 'cwd', 'workspace_root') || firstOf(value['workspace_roots']),
    prompt: firstText(value, 'prompt', 'user_prompt'),
    transcript: firstText(value, 'transcript_path', 'transcriptPath', 'agent_transcript_path'),
  };
}

function firstText(value: Readonly<Record<string, unknown>>, ...names: readonly string[]): string {
  for (const name of names) {
    const found = value[name];
    if (typeof found === 'string' && found !== '') return found;
  }
  return '';
}

function firstOf(list: unknown): string {
  const first: unknown = Array.isArray(list) ? list[0] : undefined;
  return typeof first === 'string' ? first : '';
}

const GEMINI_EVENTS = new Set(['BeforeAgent', 'AfterAgent', 'PreCompress']);

function clientOf(value: Readonly<Record<string, unknown>>, eventName: string): HookClient {
  if ('cursor_version' in value || 'conversation_id' in value || /^[a-z]/.test(eventName)) return 'cursor';
  const transcript = firstText(value, 'transcript_path').replaceAll('\\', '/');
  if (GEMINI_EVENTS.has(eventName) || transcript.includes('/.gemini/')) return 'gemini-cli';
  return 'turn_id' in value || transcript.includes('/.codex/') ? 'codex' : 'claude-code';
}
