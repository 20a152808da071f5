import { UsageError } from '../errors/input-errors.ts';

/** A whole number given as an option; undefined when it is not given. The service checks its range. */
export function parseInteger(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(`${option} got ${JSON.stringify(text)}`, 'Give a whole number.');
}
