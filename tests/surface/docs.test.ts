import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generatedPages } from '../../scripts/docs/pages.ts';
import { packagePath } from '../../src/util/package.ts';

test('the generated pages say what the program declares; "npm run docs" writes them', async () => {
  for (const { path, text } of await generatedPages()) {
    expect(readFileSync(packagePath(path), 'utf8'), path).toBe(text);
  }
});
