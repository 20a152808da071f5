import type { IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';

/** Calls `use` with the whole body of a request; not at all when its client leaves while it sends. */
export function withBody(request: IncomingMessage, use: (body: Buffer) => void | Promise<void>): void {
  void buffer(request).then(use, () => undefined);
}
