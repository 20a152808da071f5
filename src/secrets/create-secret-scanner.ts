import { assignmentRules } from './assignment-rules.ts';
import { providerTokenRules } from './provider-token-rules.ts';
import { CONTEXT_AFTER, CONTEXT_BEFORE, type SecretRule } from './secret-rule.ts';
import type { SecretFinding, SecretScanner } from './secret-scanner.ts';
import { structuredRules } from './structured-rules.ts';

/**
 * Creates a scanner with the built-in rules. docs/secrets.md lists the kinds.
 *
 * Import this module lazily, with the first text to scan, to keep the start fast.
 */
export function createSecretScanner(): SecretScanner {
  return { scan: (text) => mergeOverlapping(secretRules.flatMap((rule) => findings(rule, text))) };
}

/** Findings in the order of the text. After a rejected match the search continues behind its lead, not its end. */
function findings(rule: SecretRule, text: string): SecretFinding[] {
  const found: SecretFinding[] = [];
  const { pattern, rest } = rule;
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    const groups = match.groups ?? {};
    const lead = groups['lead'] ?? '';
    const start = match.index + lead.length;
    let end = pattern.lastIndex;
    if (rule.accept(text.slice(start, end), groups) && hasContext(rule, text, { start, end })) {
      if (rest !== undefined) {
        rest.lastIndex = end;
        end += rest.exec(text)?.[0].length ?? 0;
      }
      found.push({ kind: rule.kind, start, end });
      pattern.lastIndex = end;
    } else if (lead !== '') {
      pattern.lastIndex = start;
    }
  }
  return found;
}

function hasContext(rule: SecretRule, text: string, range: { start: number; end: number }): boolean {
  if (rule.context === undefined) return true;
  const before = text.slice(Math.max(0, range.start - CONTEXT_BEFORE), range.start);
  const after = text.slice(range.end, range.end + CONTEXT_AFTER);
  return rule.context.test(before) || rule.context.test(after);
}

/** Joins overlapping findings. The sort is stable, so of equal starts the earlier rule's kind remains. */
function mergeOverlapping(found: readonly SecretFinding[]): SecretFinding[] {
  const merged: SecretFinding[] = [];
  for (const finding of [...found].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last === undefined || finding.start >= last.end) merged.push(finding);
    else if (finding.end > last.end) merged[merged.length - 1] = { ...last, end: finding.end };
  }
  return merged;
}

/** All rules, the more specific kinds first: where findings overlap, the kind of the earlier rule is shown. */
const secretRules: readonly SecretRule[] = [...providerTokenRules, ...structuredRules, ...assignmentRules];
