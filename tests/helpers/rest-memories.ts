import { expect } from 'vitest';
import type { HttpAnswer, HttpClient } from './http-client.ts';

/** Adds one memory. @returns its id */
export async function addMemory(api: HttpClient, text: string, more: object = {}): Promise<string> {
  const answer = await api.post('/memory/add', { text, ...more });
  expect(answer.status).toBe(201);
  return String(answer.data['id']);
}

/** @param list names the member of the answer that has the memories */
export function idsOf({ data }: HttpAnswer, list: string): unknown[] {
  return (data[list] as { id: string }[]).map(({ id }) => id);
}
