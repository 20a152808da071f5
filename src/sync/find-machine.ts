import { InvalidInputError } from '../errors/input-errors.ts';

const MIN_PREFIX = 4;

/**
 * The machine that a user means by its id, or by the beginning of it.
 * @throws InvalidInputError when there is none, or several
 */
export function findMachine(query: string, machines: readonly string[]): string {
  const wanted = query.trim().toLowerCase();
  const found = machines.filter(
    (machine) => machine === wanted || (wanted.length >= MIN_PREFIX && machine.startsWith(wanted)),
  );
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const problem = only === undefined ? 'is no machine at the remote' : 'fits several machines';
  throw new InvalidInputError(
    'machine',
    `${JSON.stringify(query.slice(0, 40).toWellFormed())} ${problem}`,
    `allowed are ${machines.join(', ')}, shortened to at least ${MIN_PREFIX} digits`,
  );
}
