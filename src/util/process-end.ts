/** How long the end of the process waits for threads that must not be cut off: clients kill after two seconds. */
const THREADS_LIMIT_MS = 1_250;

/** Resolves when the thread has ended, or may be cut off. */
export type ThreadEnd = () => Promise<void>;

/** A process has one end, so its list is the module's. */
const threads = new Set<ThreadEnd>();

/**
 * The end of the process waits for this thread: native code that is cut off aborts the whole process, because its
 * next call into Node.js fails with an exception that nothing catches.
 * @returns a function to call when the thread has ended
 */
export function endBeforeExit(thread: ThreadEnd): () => void {
  threads.add(thread);
  return () => {
    threads.delete(thread);
  };
}

/**
 * Ends the process with this code. Threads that are still in native code after the limit are ended together with
 * the process by SIGKILL: that runs no destructors, so that nothing aborts.
 */
export async function endProcess(code: number): Promise<never> {
  if (!(await threadsEnded())) process.kill(process.pid, 'SIGKILL');
  return process.exit(code);
}

async function threadsEnded(): Promise<boolean> {
  if (threads.size === 0) return true;
  let timer: NodeJS.Timeout | undefined;
  const ended = Promise.all([...threads].map((end) => end())).then(() => true);
  const tooLong = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, THREADS_LIMIT_MS, false);
  });
  try {
    return await Promise.race([ended, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Calls `report` when the process is about to end with work undone: Node.js ends a process whose event loop is
 * empty, whatever its promises still wait for. Without this the process would print nothing and end with code 13.
 * @param report says so; the process then ends with the code that it returns
 * @returns a function to call when the work is done
 */
export function watchUnfinishedWork(report: () => Promise<number>): () => void {
  let reported = false;
  const onEmpty = (): void => {
    if (reported) return;
    reported = true;
    void report().then(endProcess, () => endProcess(1));
  };
  process.on('beforeExit', onEmpty);
  return () => {
    process.removeListener('beforeExit', onEmpty);
  };
}
