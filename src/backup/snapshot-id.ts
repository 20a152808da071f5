import type { RandomBytes } from './random-bytes.ts';

const YEAR_0 = Date.parse('0000-01-01T00:00:00.000Z');
const END_OF_YEAR_9999 = Date.parse('9999-12-31T23:59:59.999Z');
const SNAPSHOT_ID = /^\d{8}t\d{9}z-[0-9a-f]{8}-[0-9a-f]{12}$/;

export function isSnapshotId(text: string): boolean {
  return SNAPSHOT_ID.test(text);
}

/**
 * UTC time to the millisecond, 8 hex digits of the machine id, 12 random ones, for example
 * `20260131t235959123z-1a2b3c4d-9f8e7d6c5b4a`. Nothing is decided by the time in it: it is for people.
 */
export function createSnapshotId(machine: string, time: number, random: RandomBytes): string {
  const { date, clock, milliseconds } = utcParts(time);
  return `${date}t${clock}${milliseconds}z-${machine.slice(0, 8)}-${random(6).toString('hex')}`;
}

/** `YYYYMMDD`, `HHMMSS` and `mmm` in UTC. Years outside 0 to 9999 are moved to their border. */
export function utcParts(time: number): { date: string; clock: string; milliseconds: string } {
  const within = Math.min(Math.max(time, YEAR_0), END_OF_YEAR_9999);
  const digits = new Date(within).toISOString().replace(/[^0-9]/g, '');
  return { date: digits.slice(0, 8), clock: digits.slice(8, 14), milliseconds: digits.slice(14, 17) };
}
