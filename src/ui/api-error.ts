import type { RestoreAnswer } from './types.ts';

/** What the server answered instead, as it explains it. */
export interface ProblemAnswer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly fix?: string;
  /** With CONFIRMATION_NEEDED: what would happen. */
  readonly dry_run?: RestoreAnswer;
}

export class ApiError extends Error {
  readonly problem: ProblemAnswer;

  constructor(problem: ProblemAnswer) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** The server's own advice is for programs. */
const MAY_ONLY_READ = 'To change something, enter one that may write, with “Change token” at the top';

/** What to tell a person about a failure: sentences. */
export function explain(error: unknown): string {
  if (error instanceof ApiError) {
    const { code, detail } = error.problem;
    const fix = code === 'FORBIDDEN' ? MAY_ONLY_READ : error.problem.fix;
    return [detail, fix]
      .filter((part) => part !== undefined)
      .map(sentence)
      .join(' ');
  }
  if (error instanceof TypeError) return 'The server cannot be reached. Is it still running?';
  return error instanceof Error ? sentence(error.message) : 'Something went wrong.';
}

function sentence(text: string): string {
  const ended = /[.?!]$/.test(text) ? text : `${text}.`;
  return ended.charAt(0).toUpperCase() + ended.slice(1);
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
