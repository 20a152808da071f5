import type * as z from 'zod/mini';
import type { WorkOptions } from '../backup/backup-api.ts';
import { ignoredData, type JsonSchema, lazySchema, readInput } from '../api/input.ts';
import type { Access, Services } from '../api/services.ts';

export type RouteGroup = 'Memories' | 'Backups' | 'Sync' | 'Server';
export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
export type RouteData = Readonly<Record<string, unknown>>;

/** One operation of the REST API: how it is called, and what it does. */
export interface RouteDeclaration<Input extends z.ZodMiniObject> {
  /** Unique; the OpenAPI operationId. */
  readonly name: string;
  readonly method: Method;
  /** As OpenAPI writes it; parameters are fields of the input: `/memory/{id}`. */
  readonly path: string;
  readonly group: RouteGroup;
  /** One line for the reference. */
  readonly summary: string;
  readonly details?: string;
  readonly access: Access;
  /** The parameter at the end of the path may have slashes. */
  readonly slashes?: boolean;
  /** All fields, wherever they stand: in the path, in the query (GET, DELETE), in the body (POST, PATCH). */
  readonly input: Input;
  /** Fields of a body that may also stand in the query. */
  readonly inQuery?: readonly string[];
  readonly output: z.ZodMiniObject;
  /** Default 200. */
  readonly status?: 200 | 201;
  /** Takes long: sends progress to callers that accept an event stream, and ends when they go away. */
  readonly long?: boolean;
  /** Statuses of problems that a right call may bring, beside 400 and those of every route. */
  readonly problems?: readonly number[];
  readonly handle: (services: Services, input: z.infer<Input>, work: WorkOptions) => Promise<RouteData>;
}

/** A request whose input was checked. */
export type PreparedRequest = (services: Services, work: WorkOptions) => Promise<RouteData>;

/** An operation ready to be mounted. */
export interface Route extends Omit<
  RouteDeclaration<z.ZodMiniObject>,
  'input' | 'output' | 'handle' | 'status' | 'long'
> {
  readonly status: 200 | 201;
  readonly long: boolean;
  readonly inputSchema: () => JsonSchema;
  readonly outputSchema: () => JsonSchema;
  /** @throws InvalidInputError naming the field, the value and what is allowed */
  readonly prepare: (raw: unknown) => PreparedRequest;
}

export function defineRoute<Input extends z.ZodMiniObject>(declaration: RouteDeclaration<Input>): Route {
  const { input, output, handle, status = 200, long = false, ...facts } = declaration;
  const inputSchema = lazySchema(input);
  return {
    ...facts,
    status,
    long,
    inputSchema,
    outputSchema: lazySchema(output),
    prepare(raw) {
      const { input: checked, ignored } = readInput(input, inputSchema(), raw);
      return async (services, work) => ({
        ...(await handle(services, checked, work)),
        ...ignoredData(ignored),
      });
    },
  };
}

/** Names of the parameters in a path. */
export function pathFields(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
}
