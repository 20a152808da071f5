/** Runs asynchronous work one after the other, in the order of the calls. A failure does not stop the queue. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when all work queued so far is done, whether it succeeded or not. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
