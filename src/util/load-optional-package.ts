export interface OptionalPackage<Module> {
  readonly name: string;
  /** Major version that was tested. */
  readonly major: number;
  /** Must contain the literal `import()`, so that a bundler keeps it. */
  readonly load: () => Promise<Module>;
  /** The error of the caller's subject for a package that is not installed. */
  readonly toError: (missing: MissingPackage) => Error;
}

export interface MissingPackage {
  /** For example `the package pg is not installed`. */
  readonly problem: string;
  /** The command that installs it. */
  readonly fix: string;
  readonly cause: unknown;
}

/** Loads a package that only some users need. @throws the error of `toError` when it is not installed */
export async function loadOptionalPackage<Module>({
  name,
  major,
  load,
  toError,
}: OptionalPackage<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw toError({
      problem: `the package ${name} is not installed`,
      fix: `Run: npm install ${name}@${major} (beside faiss-memory, with -g if that is global).`,
      cause,
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
