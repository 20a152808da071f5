import { describe } from 'vitest';
import { describeConversations } from './store/conversations.contract.ts';
import { describeFound } from './store/found.contract.ts';
import { describeLists } from './store/lists.contract.ts';
import { describeSharing } from './store/sharing.contract.ts';
import { describeTokenVectors } from './store/token-vectors.contract.ts';
import type { PrepareStore } from './store/use-store.ts';
import { describeVectorSearch } from './store/vectors.contract.ts';
import { describeWordSearch } from './store/words.contract.ts';
import { describeWrites } from './store/writes.contract.ts';

/** What every `MemoryStore` must do, however it is made. */
export function describeMemoryStore(name: string, prepare: PrepareStore): void {
  describe(`${name} as a memory store`, () => {
    describeWrites(prepare);
    describeLists(prepare);
    describeConversations(prepare);
    describeWordSearch(prepare);
    describeVectorSearch(prepare);
    describeTokenVectors(prepare);
    describeFound(prepare);
    describeSharing(prepare);
  });
}
