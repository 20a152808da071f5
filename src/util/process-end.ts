/** Time that the end of the process waits for threads, because clients kill it after two seconds. */
const THREADS_LIMIT_MS = 1_250;

/** Resolves when the thread has ended or may be ended. */
export type ThreadEnd = () => Promise<void>;

/** State of the module, because a process ends only once. */
const threads = new Set<ThreadEnd>();

/**
 * Makes the end of the process wait for a thread. Ending a thread in native code aborts the process, because its next
 * call into Node.js fails with an exception that the native code does not catch.
 * @returns a function to call when the thread has ended
 */
export function endBeforeExit(thread: ThreadEnd): () => void {
  threads.add(thread);
  return () => {
    threads.delete(thread);
  };
}

/**
 * Ends the process with this exit code. When threads are still running after the limit, ends it by SIGKILL, which
 * runs no destructors and so cannot abort.
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
 * Calls `report` when the process is about to end although work is not done. Node.js ends a process with an empty
 * event loop even when promises are pending; it would print nothing and exit with code 13.
 * @param report prints the problem; the process ends with the code that it returns
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
