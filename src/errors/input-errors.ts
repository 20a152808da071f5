import { visibleJson, visibleLine } from '../util/visible-text.ts';
import { type ErrorCode, FaissMemoryError } from './faiss-memory-error.ts';

/**
 * A value from outside is not allowed. Nothing was changed. The field has the name that the services give it; a caller
 * who knows it by another name gets the message with that one.
 */
export class InvalidInputError extends FaissMemoryError {
  /** Path of the field, for example `memories[0].text` or `filter.allTags`. */
  readonly field: string;
  /** The problem and the value, for example `is empty`; follows the field in the message. */
  readonly problem: string;
  /** The allowed values, for example `allowed are 1 to 100`; ends the message. */
  readonly allowed: string;

  constructor(field: string, problem: string, allowed: string) {
    super('INVALID_INPUT', `${field} ${problem}; ${allowed}`, {});
    this.field = field;
    this.problem = problem;
    this.allowed = allowed;
  }

  messageFor(name: string): string {
    return visibleLine(`${name} ${this.problem}; ${this.allowed}`);
  }
}

/** A caller wrote a field that does not exist; its name is the caller's own. */
export class UnknownFieldError extends InvalidInputError {
  constructor(field: string, allowed: string) {
    super(field, 'is an unknown field', allowed);
  }
}

/** No memory has these ids. */
export class NotFoundError extends FaissMemoryError {
  readonly ids: readonly string[];

  /** @param stale the possible age of the answer: a memory may have been added elsewhere. Absent = up to date */
  constructor(ids: readonly string[], stale?: string) {
    const usual = 'Use an id from a search or a list.';
    super('NOT_FOUND', `No memory has the id ${ids.map((id) => JSON.stringify(id)).join(', ')}`, {
      fix: stale === undefined ? usual : `${stale} ${usual}`,
    });
    this.ids = ids;
  }
}

/** A command of the Claude API's memory tool cannot be done; the message is for the model, and nothing was changed. */
export class MemoryFileError extends FaissMemoryError {
  constructor(message: string) {
    super('INVALID_INPUT', message);
  }
}

/** There is no conversation of this name. */
export class ConversationNotFoundError extends FaissMemoryError {
  readonly session: string;

  constructor(session: string) {
    super('NOT_FOUND', `No conversation has the session ${visibleJson(session)}`, {
      fix: 'Use a session from a list of conversations.',
    });
    this.session = session;
  }
}

/** A text contains a probable secret, and the settings reject secrets. Nothing was stored. */
export class SecretRejectedError extends FaissMemoryError {
  /** As in `InvalidInputError`. */
  readonly field: string;
  readonly kinds: readonly string[];

  constructor(field: string, kinds: readonly string[]) {
    super('SECRET_REJECTED', secretMessage(field, kinds), {
      fix: 'Leave the secret out and say where it is kept instead, or set MEMORY_SECRETS=mask.',
    });
    this.field = field;
    this.kinds = kinds;
  }

  messageFor(name: string): string {
    return visibleLine(secretMessage(name, this.kinds));
  }
}

function secretMessage(field: string, kinds: readonly string[]): string {
  return `${field} seems to contain a secret: ${kinds.join(', ')}`;
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

/** The request would change many memories and needs a confirmation. Nothing was changed. */
export class ConfirmationNeededError extends FaissMemoryError {
  /** Answer of the dry run, which shows the changes. */
  readonly dryRun: Readonly<Record<string, unknown>>;

  constructor(message: string, dryRun: Readonly<Record<string, unknown>>) {
    super('CONFIRMATION_NEEDED', message, {
      fix: 'Repeat the request with confirm=true, or with the token in "confirm".',
    });
    this.dryRun = dryRun;
  }
}

/** Codes of requests that the HTTP server refuses before they reach a service. */
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
  | 'OVERLOADED'
>;

const MAY_SUCCEED_LATER: ReadonlySet<RefusalCode> = new Set(['RATE_LIMITED', 'TIMED_OUT', 'OVERLOADED']);

/** The HTTP server refused a request. Nothing was changed. */
export class RequestRefusedError extends FaissMemoryError {
  /** Headers of the answer, for example `Retry-After`. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: RefusalCode,
    message: string,
    options: { readonly fix: string; readonly headers?: Readonly<Record<string, string>> },
  ) {
    super(code, message, { fix: options.fix, retryable: MAY_SUCCEED_LATER.has(code) });
    this.headers = options.headers ?? {};
  }
}

/** The caller cannot be found out, because the identity provider gives no usable answer. Nothing was changed. */
export class AuthUnavailableError extends FaissMemoryError {
  /** @param problem the fault of the provider */
  constructor(problem: string, cause?: unknown) {
    super('AUTH_UNAVAILABLE', `The token cannot be checked: ${problem}`, {
      fix: 'Try again in a moment. If it stays, check MEMORY_AUTH_ISSUER and the connection to it.',
      retryable: true,
      cause,
    });
  }
}

export interface ConfigurationProblem {
  /** Dotted key of the setting, for example `embedding.threads`, or the name of a file or option. */
  readonly key: string;
  /** The problem and the value, for example `is "many"`. Never contains a secret. */
  readonly problem: string;
  /** Source of the value, for example `environment variable MEMORY_EMBEDDING_THREADS`. */
  readonly source: string;
  /** The allowed values, or a suggestion, for example `did you mean embedding.threads?`. */
  readonly allowed: string;
}

/** The configuration is not valid. Lists all problems, so that users can fix them at once. */
export class ConfigurationError extends FaissMemoryError {
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[], options: { fix?: string; cause?: unknown } = {}) {
    super('CONFIGURATION', '', {
      fix: 'Correct the value where it is set; "faiss-memory config" shows every setting and its source.',
      ...options,
    });
    // A line for each.
    this.message = problems.map(describeProblem).join('\n');
    this.problems = problems;
  }
}

function describeProblem({ key, problem, source, allowed }: ConfigurationProblem): string {
  return visibleLine(`${key} ${problem} (${source}); ${allowed}`);
}

/** The command line is not valid, or it needs a confirmation and no terminal is there to ask. Nothing was changed. */
export class UsageError extends FaissMemoryError {
  constructor(message: string, fix: string) {
    super('INVALID_INPUT', message, { fix });
  }
}

/** The program could not be installed. The clients, and the version that was there, are as before. */
export class InstallError extends FaissMemoryError {
  constructor(version: string, folder: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('INSTALL_FAILED', `faiss-memory ${version} could not be installed in ${folder}: ${reason}`, {
      fix: 'Free some disk space or correct the permissions of the folder, then run the command again.',
      cause,
    });
  }
}

/** The configuration file of an MCP client cannot be read or edited safely. It was not changed. */
export class ClientFileError extends FaissMemoryError {
  /**
   * @param path the client's file
   * @param problem the rest of a sentence that begins with the path
   */
  constructor(path: string, problem: string, options: { fix: string; cause?: unknown }) {
    super('CONFIGURATION', `${path} ${problem}; it was not changed`, options);
  }
}
