import { FaissMemoryError } from './faiss-memory-error.ts';

export interface ConfigurationProblem {
  /** Dotted key of the setting, for example `embedding.threads`, or the name of a file or option. */
  readonly key: string;
  /** What is wrong with which value, for example `is "many"`. Never holds a secret. */
  readonly problem: string;
  /** Where the value came from, for example `environment variable MEMORY_EMBEDDING_THREADS`. */
  readonly source: string;
  /** What is allowed instead, or what was probably meant. */
  readonly allowed: string;
}

/** The configuration cannot be used. Lists every problem, so that one run is enough to fix them all. */
export class ConfigurationError extends FaissMemoryError {
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[], options: { fix?: string; cause?: unknown } = {}) {
    super('CONFIGURATION', problems.map(describeProblem).join('\n'), {
      fix: 'Correct the value where it is set; "faiss-memory config" shows every setting and its source.',
      ...options,
    });
    this.problems = problems;
  }
}

function describeProblem({ key, problem, source, allowed }: ConfigurationProblem): string {
  return `${key} ${problem} (${source}); ${allowed}`;
}
