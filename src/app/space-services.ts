import type { Services } from '../api/services.ts';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import type { MemoryApi } from '../memory/memory-api.ts';
import type { AuditLog } from '../people/audit-log.ts';
import type { SpaceQuotas } from '../people/quotas.ts';
import type { StoreStats } from '../store/memory-store.ts';
import type { EnteredSpace } from './open-spaces.ts';

export interface CallerFacts {
  readonly person: string;
  readonly space: string;
}

export interface SpaceServicesParts extends CallerFacts {
  readonly enter: () => Promise<EnteredSpace>;
  /** The size of the space; undefined = as the store says. */
  readonly bytes: () => Promise<number | undefined>;
  /** Of the server: the same in every space. */
  readonly timeZone: MemoryApi['timeZone'];
  readonly audit: AuditLog;
  readonly quotas: SpaceQuotas;
}

type Area = keyof Services;
type Call = (...parameters: readonly unknown[]) => Promise<unknown>;

/** The calls that monitoring and pages make again and again, and those that show no memory. */
const UNNOTED = [
  'memory.stats',
  'memory.growth',
  'memory.isNovel',
  'sync.status',
  'backup.list',
  'sync.snapshots',
];

/**
 * The services of one space for one person. Each call opens the space if it is not open, is checked against the quotas
 * of the space, and is a line in the audit log.
 */
export function spaceServices(parts: SpaceServicesParts): Services {
  return {
    memory: area(parts, 'memory', {
      timeZone: parts.timeZone,
      export: (filter) => exported(parts, filter),
    }),
    backup: area(parts, 'backup', {}),
    sync: area(parts, 'sync', {}),
  };
}

/** Every method of a service, by its name. @param own members that are no plain calls */
function area<Name extends Area>(
  parts: SpaceServicesParts,
  name: Name,
  own: Partial<Services[Name]>,
): Services[Name] {
  const made = new Proxy(own, {
    get: (target, method) => {
      if (typeof method === 'symbol' || method === 'then') return undefined;
      if (Object.hasOwn(target, method)) return Reflect.get(target, method) as unknown;
      return (...parameters: unknown[]) => noted(parts, { name, method, parameters });
    },
  });
  // The app answers every method of the service with the types of the service.
  return made as Services[Name];
}

interface ServiceCall {
  readonly name: Area;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

async function noted(parts: SpaceServicesParts, call: ServiceCall): Promise<unknown> {
  const { audit, person, space } = parts;
  const action = `${call.name}.${call.method}`;
  const note = (more: { count?: number; refused?: string }): void => {
    if (!UNNOTED.includes(action) && !isDryRun(call)) audit.note({ person, space, action, ...more });
  };
  try {
    const result = await checked(parts, call);
    note({ count: countOf(result) });
    return result;
  } catch (error) {
    note({ count: 0, refused: error instanceof FaissMemoryError ? error.code : 'INTERNAL' });
    throw error;
  }
}

async function checked(
  { enter, quotas, bytes, space }: SpaceServicesParts,
  { name, method, parameters }: ServiceCall,
): Promise<unknown> {
  const { app, leave } = await enter();
  try {
    const service = app[name] as unknown as Readonly<Record<string, Call>>;
    const perform = (): Promise<unknown> =>
      service[method]?.(...parameters) ?? Promise.reject(noMethod(method));
    if (name !== 'memory') return await perform();
    const stats = (): Promise<StoreStats> => app.store.stats();
    return await quotas.checked(space, { method, parameters, perform, stats, bytes });
  } finally {
    leave();
  }
}

function noMethod(method: string): FaissMemoryError {
  return new FaissMemoryError('INTERNAL', `There is no method ${method}`);
}

/** The space stays open until the last batch was read or the reader went away. */
async function* exported(
  { enter, audit, person, space }: SpaceServicesParts,
  filter: Parameters<MemoryApi['export']>[0],
): ReturnType<MemoryApi['export']> {
  const { app, leave } = await enter();
  let count = 0;
  try {
    for await (const batch of app.memory.export(filter)) {
      count += batch.length;
      yield batch;
    }
  } finally {
    leave();
    audit.note({ person, space, action: 'memory.export', count });
  }
}

function isDryRun({ parameters: [request, options] }: ServiceCall): boolean {
  return [request, options].some(
    (one) => typeof one === 'object' && one !== null && (one as { dryRun?: unknown }).dryRun === true,
  );
}

/** How many memories a result is about. */
function countOf(result: unknown): number {
  if (typeof result === 'number') return result;
  if (Array.isArray(result)) return result.length;
  if (typeof result !== 'object' || result === null) return 1;
  const facts = result as Readonly<Record<string, unknown>>;
  for (const name of ['count', 'removed', 'added']) if (typeof facts[name] === 'number') return facts[name];
  for (const name of ['hits', 'memories', 'conversations']) {
    const list = facts[name];
    if (Array.isArray(list)) return list.length;
  }
  return 1;
}
