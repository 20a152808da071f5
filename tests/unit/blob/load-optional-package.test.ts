import { expect, test } from 'vitest';
import { loadOptionalPackage } from '../../../src/blob/load-optional-package.ts';
import { errorOf } from '../../helpers/blob-values.ts';

const wanted = { name: 'no-such-package-here', major: 7, location: 'gs://bucket' };

test('says how to install a package that is missing', async () => {
  const missing = 'no-such-package-here';
  const error = await errorOf(
    loadOptionalPackage({ ...wanted, load: () => import(/* @vite-ignore */ missing) }),
  );
  expect(error).toMatchObject({ reason: 'missing-package', retryable: false, operation: 'open' });
  expect(error.fix).toContain('npm install no-such-package-here@7');
});

test('does not take a broken package for a missing one', async () => {
  const broken = new SyntaxError('in the package');
  await expect(loadOptionalPackage({ ...wanted, load: () => Promise.reject(broken) })).rejects.toBe(broken);
});
