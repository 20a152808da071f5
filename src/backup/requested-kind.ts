import { InvalidInputError } from '../errors/input-errors.ts';
import { isSnapshotKind, type SnapshotKind } from './snapshot-kind.ts';

/** Kinds that the product gives by itself, when something changed. */
const AUTOMATIC = new Set(['auto', 'exit', 'scheduled', 'pre_merge', 'pre_delete', 'pre_import']);

/**
 * The kind that a user's name for a backup stands for: `Before upgrade` becomes `before_upgrade`.
 * @throws InvalidInputError
 */
export function requestedKind(name: string): SnapshotKind {
  const kind = name
    .trim()
    .toLowerCase()
    .replace(/[\s_-]+/g, '_');
  if (isSnapshotKind(kind)) return kind;
  throw new InvalidInputError(
    'name',
    `is ${JSON.stringify(name.slice(0, 60).toWellFormed())}`,
    'allowed are letters a to z, digits and _ between them, beginning with a letter, at most 32',
  );
}

/** What a user asked for is made even when nothing changed. */
export function isMadeUnchanged(kind: SnapshotKind): boolean {
  return !AUTOMATIC.has(kind);
}
