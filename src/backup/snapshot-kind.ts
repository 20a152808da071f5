/**
 * Why a snapshot was made; the first part of its name: `auto`, `manual`, `scheduled`, `pre_restore`, `pre_delete`,
 * `pre_import`, `exit`. Readers accept any name of this form, for the kinds of later versions.
 */
export type SnapshotKind = string;

const KIND = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const MAX_LENGTH = 32;

export function isSnapshotKind(value: unknown): value is SnapshotKind {
  return typeof value === 'string' && value.length <= MAX_LENGTH && KIND.test(value);
}
