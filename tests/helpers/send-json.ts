import { expect } from 'vitest';

/** Sends JSON and reads JSON; everything but success fails the test. */
export async function sendJson(
  method: string,
  url: string,
  body: object = {},
): Promise<Record<string, unknown>> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  expect([url, response.status < 300]).toEqual([url, true]);
  return (await response.json()) as Record<string, unknown>;
}
