/** Why a snapshot was made; the first part of its name. */
export type SnapshotKind = string;

const KIND = /^[a-z]+(?:_[a-z]+)*$/;
const MAX_LENGTH = 32;

/** The kinds that this program makes. Readers accept any name of this form, for kinds of later versions. */
export const SNAPSHOT_KINDS = [
  'auto',
  'manual',
  'scheduled',
  'pre_restore',
  'pre_delete',
  'pre_import',
  'exit',
] as const;

export function isSnapshotKind(value: unknown): value is SnapshotKind {
  return typeof value === 'string' && value.length <= MAX_LENGTH && KIND.test(value);
}
