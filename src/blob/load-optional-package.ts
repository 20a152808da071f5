import { BlobStoreError } from '../errors/remote-errors.ts';

export interface OptionalPackage<Module> {
  readonly name: string;
  /** Major version that was tested. */
  readonly major: number;
  /** Must contain the literal `import()`, so that a bundler keeps it. */
  readonly load: () => Promise<Module>;
  /** Address of the store, for the error message. */
  readonly location: string;
}

/** @throws BlobStoreError (`missing-package`) with the command that installs the package */
export async function loadOptionalPackage<Module>(wanted: OptionalPackage<Module>): Promise<Module> {
  try {
    return await wanted.load();
  } catch (error) {
    if (!isMissing(error, wanted.name)) throw error;
    throw new BlobStoreError('missing-package', {
      operation: 'open',
      location: wanted.location,
      problem: `the package ${wanted.name} is not installed`,
      fix: `Run: npm install ${wanted.name}@${wanted.major} (beside faiss-memory, with -g if that is global).`,
      cause: error,
    });
  }
}

/** True when the package itself is missing, not one of its dependencies. */
function isMissing(error: unknown, name: string): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_MODULE_NOT_FOUND' &&
    error.message.includes(`'${name}'`)
  );
}
