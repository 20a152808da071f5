import { BlobStoreError } from '../errors/remote-errors.ts';
import type { BlobInfo } from './blob-store.ts';

export interface ListPage {
  readonly items: readonly BlobInfo[];
  /** Where the next page begins; undefined on the last one. */
  readonly next: string | undefined;
}

/**
 * All pages of a listing, or an error: never a part of it.
 * @throws BlobStoreError (`protocol`) when a token comes again, since the list would never end
 */
export async function collectPages(
  target: { readonly location: string; readonly prefix: string },
  fetchPage: (token: string | undefined) => Promise<ListPage>,
): Promise<BlobInfo[]> {
  const found: BlobInfo[] = [];
  const seen = new Set<string | undefined>();
  let token: string | undefined;
  do {
    seen.add(token);
    const page = await fetchPage(token);
    found.push(...page.items);
    token = page.next;
    if (token !== undefined && seen.has(token)) {
      throw new BlobStoreError('protocol', {
        operation: 'list',
        location: target.location,
        key: target.prefix,
        problem: 'the store answers the same page of the list again and again',
      });
    }
  } while (token !== undefined);
  return found;
}
