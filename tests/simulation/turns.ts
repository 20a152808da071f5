import type { SeededRandom } from './seeded-random.ts';

interface Task {
  readonly name: string;
  /** Go on with the calls that wait; usually one, several where the work itself does things side by side. */
  readonly waiting: (() => void)[];
  done: boolean;
  /** Told when the task waits or is done. */
  changed: () => void;
}

/**
 * Runs several tasks at once, one step at a time: each waits before every call to a store until it is its turn, and
 * the seed decides whose turn it is.
 */
export class Turns {
  readonly #random: SeededRandom;
  readonly #tasks = new Map<string, Task>();

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** Waits for the turn of the task. Calls outside of a task pass at once. */
  async next(name: string): Promise<void> {
    const task = this.#tasks.get(name);
    if (task === undefined || task.done) return;
    await new Promise<void>((resolve) => {
      task.waiting.push(resolve);
      task.changed();
    });
  }

  async runAll(works: ReadonlyMap<string, () => Promise<void>>): Promise<void> {
    for (const [name, work] of works) await this.#start(name, work);
    for (;;) {
      const running = [...this.#tasks.values()].filter((task) => !task.done);
      if (running.length === 0) break;
      const task = this.#random.pick(running);
      const settled = this.#settled(task);
      for (const resume of task.waiting.splice(0)) resume();
      await settled;
    }
    this.#tasks.clear();
  }

  async #start(name: string, work: () => Promise<void>): Promise<void> {
    const task: Task = { name, waiting: [], done: false, changed: () => undefined };
    this.#tasks.set(name, task);
    const settled = this.#settled(task);
    void work().finally(() => {
      task.done = true;
      task.changed();
    });
    await settled;
  }

  #settled(task: Task): Promise<void> {
    return new Promise((resolve) => {
      task.changed = resolve;
    });
  }
}
