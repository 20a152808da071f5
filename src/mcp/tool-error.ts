import type { CallToolResult } from '@modelcontextprotocol/server';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { InvalidInputError } from '../errors/invalid-input-error.ts';

/** Where the answer of a failed call carries `{ code, retryable }` for programs. */
const ERROR_META_KEY = 'faiss-memory/error';

/** True for failures that are no fault of the caller and nothing the user could mend. */
export function isUnexpected(error: unknown): boolean {
  return !(error instanceof FaissMemoryError) || error.code === 'INTERNAL';
}

/** The answer of a call that failed: what happened and what to do, never a stack. */
export function toToolError(error: unknown): CallToolResult {
  const { code, retryable } = error instanceof FaissMemoryError ? error : INTERNAL;
  return {
    content: [{ type: 'text', text: `${code}: ${errorSentence(error)}` }],
    isError: true,
    _meta: { [ERROR_META_KEY]: { code, retryable } },
  };
}

const INTERNAL = { code: 'INTERNAL', retryable: false } as const;

/** Message and fix as sentences, in the tools' own field names. */
export function errorSentence(error: unknown): string {
  if (!(error instanceof FaissMemoryError) || isUnexpected(error)) {
    return 'the server failed; its log (stderr) has the details.';
  }
  const message = error instanceof InvalidInputError ? inToolWords(error) : error.message;
  return [message, error.fix]
    .filter((part) => part !== undefined)
    .map(asSentence)
    .join(' ');
}

function asSentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** Services speak of `filter.allTags`; agents wrote `all_tags`. Members of metadata are the caller's own names. */
function inToolWords({ field, message }: InvalidInputError): string {
  if (!message.startsWith(field)) return message;
  const [own = '', ...members] = field.replace(/^filter\./, '').split('.');
  const name = own.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [name, ...members].join('.') + message.slice(field.length);
}
