import * as z from 'zod/mini';

type Given = boolean | string | undefined;

/** The field of an operation that changes much: `true`, or the token of what was shown before. */
export function confirmation(description: string): z.ZodMiniOptional<z.ZodMiniType<boolean | string>> {
  return z.optional(z.union([z.boolean(), z.string()])).check(z.describe(description));
}

/** `true` or the token, whether it came as JSON or in the query; undefined when nothing was confirmed. */
export function confirmed(given: Given): string | undefined {
  const word = String(given ?? '').trim();
  switch (word.toLowerCase()) {
    case '':
    case 'false':
      return undefined;
    case 'true':
      return 'true';
    default:
      return word;
  }
}
