import { constants } from 'node:fs';
import { copyFile, lstat, open, readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ClientFileError } from '../../errors/input-errors.ts';
import { createFolders, writeDurably } from '../../util/durable-file.ts';
import { codeOf, reasonOf } from '../../util/caught.ts';

/** The configuration file of a client as it was read. */
export interface ClientFile {
  /** The file itself where the client's path is a link. */
  readonly path: string;
  /** Undefined when there is no file yet. */
  readonly text: string | undefined;
}

/** @throws ClientFileError when it cannot be read, is no UTF-8, or is a link to nothing */
export async function readClientFile(path: string): Promise<ClientFile> {
  try {
    const target = await realpath(path);
    const bytes = await readFile(target);
    return { path: target, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (cause) {
    const exists = await lstat(path).catch(() => undefined);
    if (exists === undefined && codeOf(cause) === 'ENOENT') return { path, text: undefined };
    throw failure(path, 'cannot be read', cause);
  }
}

/**
 * Puts a new text in the place of the one that was read, complete or not at all, with a copy of the old file
 * beside it. Mode and links stay.
 * @returns the path of the copy; undefined when there was no file
 * @throws ClientFileError when the file changed since it was read, or cannot be written
 */
export async function replaceClientFile(file: ClientFile, text: string): Promise<string | undefined> {
  const { path } = file;
  try {
    createFolders(dirname(path), 0o777);
    const backup = file.text === undefined ? undefined : await backUp(path);
    const mode = file.text === undefined ? 0o600 : (await stat(path)).mode & 0o777;
    // As late as possible: clients write their files too.
    await writeDurably({ path, data: text, mode, check: () => assertUnchanged(file) });
    return backup;
  } catch (cause) {
    throw cause instanceof ClientFileError ? cause : failure(path, 'cannot be written', cause);
  }
}

async function backUp(path: string): Promise<string> {
  const time = new Date().toISOString().replaceAll(/[:.-]/g, '');
  const backup = `${path}.backup-${time}`;
  await copyFile(path, backup, constants.COPYFILE_EXCL);
  const handle = await open(backup, 'r+');
  await handle.sync().finally(() => handle.close());
  return backup;
}

async function assertUnchanged({ path, text }: ClientFile): Promise<void> {
  if ((await readClientFile(path)).text === text) return;
  throw new ClientFileError(path, 'was changed by another program meanwhile', { fix: 'Run init again.' });
}

function failure(path: string, problem: string, cause: unknown): ClientFileError {
  const reason = reasonOf(cause);
  return new ClientFileError(path, `${problem}: ${reason}`, {
    fix: 'Repair the file or its permissions, or choose other clients with --client.',
    cause,
  });
}
