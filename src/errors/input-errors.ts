import { type ErrorCode, FaissMemoryError } from './faiss-memory-error.ts';

/** A value from outside is not allowed. Nothing was changed. */
export class InvalidInputError extends FaissMemoryError {
  /** Path of the field, for example `memories[0].text`. */
  readonly field: string;

  /**
   * @param field path of the field
   * @param problem what is wrong with which value, for example `is empty`
   * @param allowed what is allowed, as a sentence without a subject
   */
  constructor(field: string, problem: string, allowed: string) {
    super('INVALID_INPUT', `${field} ${problem}; ${allowed}`, {});
    this.field = field;
  }
}

/** No memory has one of these ids. */
export class NotFoundError extends FaissMemoryError {
  readonly ids: readonly string[];

  constructor(ids: readonly string[]) {
    super('NOT_FOUND', `No memory has the id ${ids.map((id) => JSON.stringify(id)).join(', ')}`, {
      fix: 'Use an id from a search or a list.',
    });
    this.ids = ids;
  }
}

/** A text holds credential-like strings and the configuration says to reject them. Nothing was stored. */
export class SecretRejectedError extends FaissMemoryError {
  readonly kinds: readonly string[];

  constructor(field: string, kinds: readonly string[]) {
    super('SECRET_REJECTED', `${field} contains what looks like a secret: ${kinds.join(', ')}`, {
      fix: 'Leave the secret out and say where it is kept instead, or set MEMORY_SECRETS=mask.',
    });
    this.kinds = kinds;
  }
}

/** The memories changed between a dry run and its confirmation. Nothing was changed. */
export class StateChangedError extends FaissMemoryError {
  constructor(cause?: unknown) {
    super(
      'STATE_CHANGED',
      'The memories or the snapshot changed since the dry run that gave this confirmation',
      {
        fix: 'Make the dry run again, look at its numbers, and confirm with its new token.',
        cause,
      },
    );
  }
}

/** What was asked for would change many memories; nothing was changed yet. */
export class ConfirmationNeededError extends FaissMemoryError {
  /** What would happen, as the answer of the dry run. */
  readonly dryRun: Readonly<Record<string, unknown>>;

  constructor(message: string, dryRun: Readonly<Record<string, unknown>>) {
    super('CONFIRMATION_NEEDED', message, {
      fix: 'Repeat the request with confirm=true, or with the token in "confirm".',
    });
    this.dryRun = dryRun;
  }
}

/** Why a request does not even reach a service. */
export type RefusalCode = Extract<
  ErrorCode,
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'HOST_NOT_ALLOWED'
  | 'ORIGIN_NOT_ALLOWED'
  | 'RATE_LIMITED'
  | 'REQUEST_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'NO_SUCH_ROUTE'
  | 'METHOD_NOT_ALLOWED'
  | 'TIMED_OUT'
>;

/** The HTTP server turned a request away. Nothing was changed. */
export class RequestRefusedError extends FaissMemoryError {
  /** Headers that belong to the answer, for example `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: RefusalCode,
    message: string,
    options: { readonly fix: string; readonly headers?: Readonly<Record<string, string>> },
  ) {
    super(code, message, { fix: options.fix, retryable: code === 'RATE_LIMITED' || code === 'TIMED_OUT' });
    this.headers = options.headers ?? {};
  }
}

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

/** A command line that cannot be understood, or that needs an answer nobody can give. Nothing was changed. */
export class UsageError extends FaissMemoryError {
  constructor(message: string, fix: string) {
    super('INVALID_INPUT', message, { fix });
  }
}

/** The configuration file of an MCP client cannot be read or edited safely. The file is as it was. */
export class ClientFileError extends FaissMemoryError {
  /**
   * @param path the client's file
   * @param problem what is wrong, as a sentence without a subject
   */
  constructor(path: string, problem: string, options: { fix: string; cause?: unknown }) {
    super('CONFIGURATION', `${path} ${problem}; it was not changed`, options);
  }
}
