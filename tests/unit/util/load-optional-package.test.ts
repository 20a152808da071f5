import { expect, test } from 'vitest';
import { loadOptionalPackage, type MissingPackage } from '../../../src/util/load-optional-package.ts';

/** Keeps what the package's user was told. */
class Missing extends Error {
  readonly missing: MissingPackage;

  constructor(missing: MissingPackage) {
    super(missing.problem);
    this.missing = missing;
  }
}

const wanted = {
  name: 'no-such-package-here',
  major: 7,
  toError: (missing: MissingPackage): Error => new Missing(missing),
};

test('says how to install a package that is missing', async () => {
  const missing = 'no-such-package-here';
  const loading = loadOptionalPackage({ ...wanted, load: () => import(/* @vite-ignore */ missing) });
  await expect(loading).rejects.toMatchObject({
    message: 'the package no-such-package-here is not installed',
    missing: { fix: expect.stringContaining('npm install no-such-package-here@7') as string },
  });
});

test('does not take a broken package for a missing one', async () => {
  const broken = new SyntaxError('in the package');
  await expect(loadOptionalPackage({ ...wanted, load: () => Promise.reject(broken) })).rejects.toBe(broken);
});
