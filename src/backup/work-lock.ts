/**
 * One at a time works on the backups of a data folder: backup, push, merge, restore, prune. The lock dies with its
 * process, however that ends. Memory writes never wait for it.
 */
export interface WorkLock {
  /**
   * Not re-entrant.
   * @param waitMs how long to wait for another holder, in this process or another; 0 = try once
   * @throws BackupBusyError when it is still held then
   */
  run<Result>(work: () => Promise<Result>, waitMs: number): Promise<Result>;
}
