import type { Readable, Writable } from 'node:stream';
import type { Machine } from '../config/machine.ts';

export interface HostOutput extends Writable {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface HostInput extends Readable {
  readonly isTTY?: boolean;
}

/** What the command line sees of its process; passed in, so that nothing below reads globals. */
export interface Host extends Machine {
  readonly stdin: HostInput;
  readonly stdout: HostOutput;
  readonly stderr: HostOutput;
}
