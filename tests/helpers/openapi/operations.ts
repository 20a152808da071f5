type JsonObject = Readonly<Record<string, unknown>>;

/** The parts of a JSON Schema that the API uses. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query';
  readonly required: boolean;
  readonly schema: Schema;
}

/** One operation of an OpenAPI document. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  /** With `{name}` for parameters. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Of the JSON body. */
  readonly body: Schema | undefined;
  readonly bodyRequired: boolean;
  /** Media type of a body that is no JSON. */
  readonly otherBody: string | undefined;
  /** Schema by media type, by status. */
  readonly responses: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;
}

interface RawOperation {
  readonly operationId: string;
  readonly parameters?: readonly (Parameter & { readonly content?: Content })[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
}

type Content = Readonly<Record<string, { readonly schema: JsonObject }>>;

const JSON_TYPE = 'application/json';

/** @param document with all references resolved */
export function operationsOf(document: JsonObject): Operation[] {
  // Valid by the test that reads it first.
  const paths = document['paths'] as Record<string, Record<string, RawOperation>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, raw]) => toOperation(method.toUpperCase(), path, raw)),
  );
}

function toOperation(method: string, path: string, raw: RawOperation): Operation {
  const content = raw.requestBody?.content ?? {};
  return {
    id: raw.operationId,
    method,
    path,
    parameters: (raw.parameters ?? []).map((parameter) => ({
      ...parameter,
      schema: parameter.content?.[JSON_TYPE]?.schema ?? parameter.schema,
    })),
    body: content[JSON_TYPE]?.schema,
    bodyRequired: raw.requestBody?.required ?? false,
    otherBody: Object.keys(content).find((type) => type !== JSON_TYPE),
    responses: Object.fromEntries(
      Object.entries(raw.responses).map(([status, { content: answers = {} }]) => [
        status,
        Object.fromEntries(Object.entries(answers).map(([type, { schema }]) => [type, schema])),
      ]),
    ),
  };
}
