import type { BlobTraffic } from '../blob/blob-store.ts';
import type { JsonValue } from '../memory/version.ts';
import type { ReplicaStore } from '../store/replica-store.ts';
import type { MonthlyTraffic } from './sync-api.ts';

const NONE: BlobTraffic = { writes: 0, reads: 0, bytesUp: 0, bytesDown: 0 };
/** Counts wait this long before they are stored. A process that is killed loses them. */
const STORE_EVERY_MS = 60_000;

export interface TrafficMeterParts {
  readonly replica: Pick<ReplicaStore, 'readNote' | 'writeNote'>;
  /** Id of the remote in the journal. */
  readonly repositoryId: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * Counts the requests of this process to the remote, and adds them to those of the data folder. When two processes add
 * at the same moment, one of the additions can be lost: the numbers are for people, not for a bill.
 */
export class TrafficMeter {
  readonly #parts: TrafficMeterParts;
  #counted: BlobTraffic = NONE;
  #storedAt = -Infinity;

  constructor(parts: TrafficMeterParts) {
    this.#parts = parts;
  }

  /** Counts the requests and bytes that a store reports. */
  readonly count = (more: Partial<BlobTraffic>): void => {
    this.#counted = sum(this.#counted, { ...NONE, ...more });
  };

  /** The traffic of this month, by all processes of the data folder. */
  async ofMonth(): Promise<MonthlyTraffic> {
    const stored = await this.#stored();
    return { ...sum(stored, this.#counted), month: stored.month };
  }

  /** Stores the counts now and then; `always` stores them now. */
  async store(always = false): Promise<void> {
    const { replica, now } = this.#parts;
    const isDue = Math.abs(now() - this.#storedAt) >= STORE_EVERY_MS;
    if (this.#counted === NONE || !(always || isDue)) return;
    const counted = this.#counted;
    const month = await this.ofMonth();
    this.#counted = NONE;
    this.#storedAt = now();
    await replica.writeNote(this.#note, { ...month }).catch((error: unknown) => {
      this.#counted = sum(this.#counted, counted);
      throw error;
    });
  }

  get #note(): string {
    return `traffic:${this.#parts.repositoryId}`;
  }

  async #stored(): Promise<MonthlyTraffic> {
    const month = new Date(this.#parts.now()).toISOString().slice(0, 7);
    const note = await this.#parts.replica.readNote(this.#note);
    if (note === null || typeof note !== 'object' || Array.isArray(note) || note['month'] !== month) {
      return { ...NONE, month };
    }
    const number = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 0);
    const { writes, reads, bytesUp, bytesDown } = note;
    return {
      month,
      writes: number(writes),
      reads: number(reads),
      bytesUp: number(bytesUp),
      bytesDown: number(bytesDown),
    };
  }
}

function sum(a: BlobTraffic, b: BlobTraffic): BlobTraffic {
  return {
    writes: a.writes + b.writes,
    reads: a.reads + b.reads,
    bytesUp: a.bytesUp + b.bytesUp,
    bytesDown: a.bytesDown + b.bytesDown,
  };
}
