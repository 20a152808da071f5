import type { WorkOptions } from '../backup/backup-api.ts';

/** Lean data and a text for one and the same answer. */
export interface ToolAnswer {
  /** Fits the output schema. */
  readonly data: Record<string, unknown>;
  /** The same for a reader, compact; recalled text in it is quoted. */
  readonly text: string;
}

/** Instead of an answer: the client puts it to its user and calls again with what the user said. */
export interface ToolQuestion {
  readonly question: string;
  /** Names the box that the user ticks. */
  readonly label: string;
  /** Comes back beside the user's answer, through the client: worth no more than what the caller could write. */
  readonly state: string;
}

/** What the user said to the question that the same call asked before. */
export interface UserAnswer {
  readonly agreed: boolean;
  readonly state: string;
}

/** What a tool may do with the call that it answers, beside reading its arguments. */
export interface ToolCall {
  /** Aborted when the client cancels the call; progress goes to the client when it asked for it. */
  readonly work: WorkOptions;
  /** The client can put questions to its user. */
  readonly canAsk: boolean;
  /** Undefined until the user was asked. */
  readonly answer: UserAnswer | undefined;
}

export function isQuestion(outcome: ToolAnswer | ToolQuestion): outcome is ToolQuestion {
  return 'question' in outcome;
}
