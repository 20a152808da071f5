import type { CallToolResult } from '@modelcontextprotocol/server';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { boundText } from './answer-size.ts';
import { errorSentence } from '../api/errors.ts';

/** Where the answer of a failed call carries `{ code, retryable }` for programs. */
const ERROR_META_KEY = 'faiss-memory/error';

/**
 * The answer of a call that failed: what happened and what to do, never a stack.
 * @param note said behind it; empty = nothing
 */
export function toToolError(error: unknown, note = ''): CallToolResult {
  const { code, retryable } = error instanceof FaissMemoryError ? error : INTERNAL;
  return {
    content: [{ type: 'text', text: boundText(`${code}: ${errorSentence(error)} ${note}`.trim()) }],
    isError: true,
    _meta: { [ERROR_META_KEY]: { code, retryable } },
  };
}

const INTERNAL = { code: 'INTERNAL', retryable: false } as const;
