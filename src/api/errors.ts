import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { InvalidInputError, SecretRejectedError, UnknownFieldError } from '../errors/input-errors.ts';

/** True for failures that are no fault of the caller and nothing the user could mend. */
export function isUnexpected(error: unknown): boolean {
  return !(error instanceof FaissMemoryError) || error.code === 'INTERNAL';
}

/** The message for a caller over MCP or REST; of an unexpected failure it tells nothing but that. */
export function errorMessage(error: unknown): string {
  return error instanceof FaissMemoryError && !isUnexpected(error)
    ? messageNaming(error, 'json')
    : 'the server failed; its log (stderr) has the details.';
}

/** Message and fix as sentences. */
export function errorSentence(error: unknown): string {
  const fix = error instanceof FaissMemoryError && !isUnexpected(error) ? error.fix : undefined;
  return [errorMessage(error), fix]
    .filter((part) => part !== undefined)
    .map(asSentence)
    .join(' ');
}

export function asSentence(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}

/** How a caller names fields: as members of JSON, or as options of the command line. */
type Naming = 'json' | 'options';

/** The fields of the services that callers name in another way; every other field has one name. */
const FIELD_NAMES: Readonly<Record<string, Readonly<Record<Naming, string>>>> = {
  addTags: { json: 'add_tags', options: '--add-tag' },
  after: { json: 'after', options: '--after' },
  allTags: { json: 'all_tags', options: '--all-tags' },
  asOf: { json: 'as_of', options: '--as-of' },
  before: { json: 'before', options: '--before' },
  confirm: { json: 'confirm', options: '--confirm' },
  cursor: { json: 'cursor', options: '--cursor' },
  dryRun: { json: 'dry_run', options: '--dry-run' },
  expires: { json: 'expires', options: '--expires' },
  limit: { json: 'limit', options: '--limit' },
  maxTokens: { json: 'max_tokens', options: '--max-tokens' },
  metadata: { json: 'metadata', options: '--metadata' },
  mode: { json: 'mode', options: '--mode' },
  occurredAfter: { json: 'occurred_after', options: '--occurred-after' },
  occurredAt: { json: 'occurred_at', options: '--occurred-at' },
  occurredBefore: { json: 'occurred_before', options: '--occurred-before' },
  pinned: { json: 'pinned', options: '--pin' },
  name: { json: 'name', options: '--name' },
  onDuplicate: { json: 'on_duplicate', options: '--on-duplicate' },
  order: { json: 'order', options: '--order' },
  project: { json: 'project', options: '--project' },
  removeTags: { json: 'remove_tags', options: '--remove-tag' },
  source: { json: 'source', options: '--source' },
  supersedes: { json: 'supersedes', options: '--supersedes' },
  tags: { json: 'tags', options: '--tag' },
  timeZone: { json: 'time_zone', options: 'the time zone' },
};

/** The message of an error with the name that the caller gives to the field in it. */
export function messageNaming(error: FaissMemoryError, naming: Naming): string {
  const namesField = error instanceof InvalidInputError || error instanceof SecretRejectedError;
  // The caller wrote the name of an unknown field.
  if (!namesField || error instanceof UnknownFieldError) return error.message;
  return error.messageFor(nameOf(error.field, naming));
}

const FILTER = 'filter.';
/** The fields of one of several memories in a call. */
const ITEM = /^memories\[\d+\]\./;

/** Callers write the conditions of a filter beside the other fields. Members of metadata have names of the user. */
function nameOf(path: string, naming: Naming): string {
  const own = path.startsWith(FILTER) ? path.slice(FILTER.length) : path;
  const item = ITEM.exec(own)?.[0];
  if (item !== undefined) return item + nameOf(own.slice(item.length), 'json');
  const end = own.search(/[.[]/);
  const head = end === -1 ? own : own.slice(0, end);
  const name = Object.hasOwn(FIELD_NAMES, head) ? FIELD_NAMES[head]?.[naming] : undefined;
  const inside = own.slice(head.length);
  if (name === undefined || naming === 'json') return `${name ?? head}${inside}`;
  // An option is repeated for a list, so there are no numbers to name an item by.
  return inside.startsWith('.') ? `${name} ${inside.slice(1)}` : name;
}
