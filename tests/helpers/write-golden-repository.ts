import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeRow } from '../../src/backup/format/row.ts';
import { buildGoldenRepository, goldenKeyring } from './golden-repository.ts';

/*
 * Writes tests/fixtures/repository. Run once for each version of the format, never again: released fixtures are
 * what every later version must still read.
 *   node scripts/run-ts.mjs tests/helpers/write-golden-repository.ts tests/fixtures/repository/<folder>
 */
const [target] = process.argv.slice(2);
if (target === undefined) throw new Error('name the folder to write');
for (const [mode, keyring] of [
  ['plain', null],
  ['encrypted', goldenKeyring()],
] as const) {
  const { objects, states } = await buildGoldenRepository(keyring);
  for (const [key, { bytes }] of objects) {
    const path = join(target, mode, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes, { flag: 'wx' });
  }
  const rows = states.map((state) => `${encodeRow(state)}\n`).sort();
  await writeFile(join(target, 'newest.jsonl'), rows.join(''));
}
