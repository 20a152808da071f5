import type { JsonValue } from './version.ts';

/** Which memories to consider. All given conditions must hold; an absent condition always holds. */
export interface MemoryFilter {
  /** At least one of these tags. */
  readonly tagsAny?: readonly string[];
  /** All of these tags. */
  readonly tagsAll?: readonly string[];
  /** The source starts with this text. */
  readonly sourcePrefix?: string;
  /** Top-level metadata members with exactly these values. */
  readonly metadata?: Readonly<Record<string, JsonValue>>;
  /** Bounds in milliseconds since the epoch, both inclusive. */
  readonly createdAfter?: number;
  readonly createdBefore?: number;
  readonly updatedAfter?: number;
  readonly updatedBefore?: number;
}
