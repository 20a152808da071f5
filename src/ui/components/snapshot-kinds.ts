const KINDS: Readonly<Record<string, string>> = {
  auto: 'Automatic',
  exit: 'Automatic, at the end of the program',
  manual: 'By hand',
  scheduled: 'By schedule',
  pre_restore: 'Before a restore',
  pre_merge: 'Before a merge',
  pre_delete: 'Before many deletions',
  pre_import: 'Before an import',
};

/** Why a snapshot was made, in words; kinds of the user's own as they wrote them. */
export function kindInWords(kind: string): string {
  return KINDS[kind] ?? kind.replaceAll('_', ' ');
}
