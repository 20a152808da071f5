import type { WorkerReply, WorkerRequest } from './embedding-protocol.ts';

export interface Job extends WorkerRequest {
  readonly resolve: (reply: WorkerReply) => void;
  readonly reject: (reason: Error) => void;
}

interface QueuedTask extends Pick<Job, 'task' | 'text'> {
  readonly signal?: AbortSignal | undefined;
}

/** Jobs that wait for the worker: queries before passages, each kind in order. Aborted jobs leave at once. */
export class JobQueue {
  #urgent: Job[] = [];
  #patient: Job[] = [];
  #nextId = 1;

  add({ task, text, signal }: QueuedTask): Promise<WorkerReply> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        this.#remove(job);
        job.reject(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
      };
      const forget = (): void => signal?.removeEventListener('abort', abort);
      const job: Job = {
        id: this.#nextId,
        task,
        text,
        resolve: (reply) => {
          forget();
          resolve(reply);
        },
        reject: (reason) => {
          forget();
          reject(reason);
        },
      };
      this.#nextId += 1;
      (task === 'split' || task === 'passage' ? this.#patient : this.#urgent).push(job);
      signal?.addEventListener('abort', abort);
    });
  }

  take(): Job | undefined {
    return this.#urgent.shift() ?? this.#patient.shift();
  }

  rejectAll(reason: Error): void {
    const jobs = [...this.#urgent, ...this.#patient];
    this.#urgent = [];
    this.#patient = [];
    for (const job of jobs) job.reject(reason);
  }

  #remove(job: Job): void {
    this.#urgent = this.#urgent.filter((other) => other !== job);
    this.#patient = this.#patient.filter((other) => other !== job);
  }
}
