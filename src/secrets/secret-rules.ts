import { assignmentRules } from './assignment-rules.ts';
import { providerTokenRules } from './provider-token-rules.ts';
import type { SecretRule } from './secret-rule.ts';
import { structuredRules } from './structured-rules.ts';

/** All rules. Where findings overlap, the kind of the earlier rule is shown: the more telling ones come first. */
export const secretRules: readonly SecretRule[] = [
  ...providerTokenRules,
  ...structuredRules,
  ...assignmentRules,
];
