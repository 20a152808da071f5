import { isJSONRPCNotification, type RequestId } from '@modelcontextprotocol/server';

/** The id of the call that a message cancels; undefined when it cancels none. */
export function cancelledCall(message: unknown): RequestId | undefined {
  if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') return undefined;
  const id = message.params?.['requestId'];
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}
