import { UsageError } from '../errors/input-errors.ts';
import type { JsonValue, Metadata } from '../memory/version.ts';

/**
 * Metadata from `key=value` texts. A value that is JSON (a number, true, false, null, a quoted text, a list, an
 * object) is taken as such, anything else as text. Undefined when there are none. @throws UsageError
 */
export function parseMetadata(assignments: readonly string[]): Metadata | undefined {
  if (assignments.length === 0) return undefined;
  return Object.fromEntries(assignments.map(parseAssignment));
}

function parseAssignment(assignment: string): [string, JsonValue] {
  const separator = assignment.indexOf('=');
  if (separator <= 0) {
    throw new UsageError(
      `--metadata got ${JSON.stringify(assignment)}, which is no assignment`,
      'Write key=value, for example --metadata ticket=42.',
    );
  }
  return [assignment.slice(0, separator), parseValue(assignment.slice(separator + 1))];
}

function parseValue(text: string): JsonValue {
  try {
    // JSON.parse returns nothing but JSON values.
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}
