import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { InvalidInputError } from '../errors/input-errors.ts';

/** True for failures that are no fault of the caller and nothing the user could mend. */
export function isUnexpected(error: unknown): boolean {
  return !(error instanceof FaissMemoryError) || error.code === 'INTERNAL';
}

/** What happened, in the callers' own field names; of unexpected failures never more than that. */
export function errorMessage(error: unknown): string {
  if (!(error instanceof FaissMemoryError) || isUnexpected(error)) {
    return 'the server failed; its log (stderr) has the details.';
  }
  return error instanceof InvalidInputError ? inCallersWords(error) : error.message;
}

/** Message and fix as sentences. */
export function errorSentence(error: unknown): string {
  const fix = error instanceof FaissMemoryError && !isUnexpected(error) ? error.fix : undefined;
  return [errorMessage(error), fix]
    .filter((part) => part !== undefined)
    .map(asSentence)
    .join(' ');
}

function asSentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** Services speak of `filter.allTags`; callers wrote `all_tags`. Members of metadata are the caller's own names. */
function inCallersWords({ field, message }: InvalidInputError): string {
  // An unknown field is named as the caller wrote it.
  if (!message.startsWith(field) || message.startsWith(`${field} is an unknown field`)) return message;
  const [own = '', ...members] = field.replace(/^filter\./, '').split('.');
  const name = own.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return [name, ...members].join('.') + message.slice(field.length);
}
