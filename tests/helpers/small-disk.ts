import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { temporaryFolder } from './sqlite-store.ts';

/**
 * A disk in memory of the given size in KiB, gone after the test. Mounting needs Linux and root, as in CI and in
 * `docker run`; elsewhere this raises an error, since a disk-full test that does not run proves nothing.
 */
export function smallDisk(kib: number): string {
  const folder = temporaryFolder();
  mount('mount', '-t', 'tmpfs', '-o', `size=${kib}k`, 'tmpfs', folder);
  onTestFinished(() => {
    mount('umount', '--lazy', folder);
  });
  return folder;
}

/** Another path of the same folder, through which nothing can be written. */
export function readOnlyView(folder: string): string {
  const view = temporaryFolder();
  mount('mount', '--bind', folder, view);
  onTestFinished(() => {
    mount('umount', '--lazy', view);
  });
  mount('mount', '-o', 'remount,bind,ro', view);
  return view;
}

function mount(command: string, ...parameters: string[]): void {
  try {
    execFileSync(command, parameters, { stdio: 'pipe' });
  } catch (error) {
    throw new Error('This test mounts a disk in memory: run it on Linux as root', { cause: error });
  }
}
