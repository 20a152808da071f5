import type { ErrorObject, ValidateFunction } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { RawAnswer } from '../raw-request.ts';
import type { Operation } from './operations.ts';

/** Finds what is wrong with an answer: undefined when the document describes it. */
export type AnswerCheck = (answer: RawAnswer) => string | undefined;

/** Compiles the schemas of all answers of an operation; an odd schema is an error. */
export function answerCheck({ responses }: Operation): AnswerCheck {
  const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
  // The types of this CommonJS module do not tell its default export.
  (formats as unknown as (instance: Ajv2020) => void)(ajv);
  const validators = new Map<string, ValidateFunction>();
  for (const [status, contents] of Object.entries(responses)) {
    for (const [type, schema] of Object.entries(contents)) {
      if (/json$/.test(type) && type !== 'application/x-ndjson')
        validators.set(`${status} ${type}`, ajv.compile(schema));
    }
  }
  return ({ status, headers, text }) => {
    const contents = responses[String(status)];
    if (contents === undefined) return `the status ${status} is not described: ${text.slice(0, 500)}`;
    const type = String(headers['content-type'] ?? '').replace(/;.*/, '');
    if (contents[type] === undefined) return `the type "${type}" of ${status} is not described`;
    const validate = validators.get(`${status} ${type}`);
    if (validate === undefined || validate(JSON.parse(text))) return undefined;
    return `${status} does not fit its schema: ${describeProblem(validate.errors ?? [])} in ${text.slice(0, 500)}`;
  };
}

function describeProblem(errors: readonly ErrorObject[]): string {
  return errors.map(({ instancePath, message = '' }) => `${instancePath} ${message}`).join('; ');
}
