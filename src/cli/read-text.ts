import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UsageError } from '../errors/input-errors.ts';
import type { CommandContext } from './command.ts';

/** Far above any text limit; keeps a mistaken file out of memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * The text a command is about: its words, stdin for `-`, or a file. Line ends at the end of stdin and of files
 * are dropped. Undefined when none is given. @throws UsageError
 */
export async function readText(
  context: CommandContext,
  words: readonly string[],
  file: string | undefined,
): Promise<string | undefined> {
  if (file !== undefined && words.length > 0) {
    throw new UsageError('the text is given twice, as words and as --file', 'Give one of them.');
  }
  if (file !== undefined) return withoutFinalLineEnds(await readFileText(context, file));
  if (words.length === 1 && words[0] === '-') return withoutFinalLineEnds(await readStdin(context));
  return words.length === 0 ? undefined : words.join(' ');
}

async function readFileText({ host }: CommandContext, file: string): Promise<string> {
  const path = resolve(host.workingDirectory, file);
  try {
    return decode(await readFile(path), path);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`--file cannot be read: ${reason}`, 'Give the path of a readable text file.');
  }
}

async function readStdin({ host }: CommandContext): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of host.stdin as AsyncIterable<Buffer | string>) {
    const buffer = Buffer.from(part);
    bytes += buffer.length;
    if (bytes > MAX_BYTES) throw new UsageError('stdin holds more than 64 MiB', 'Split the text.');
    parts.push(buffer);
  }
  return decode(Buffer.concat(parts), 'stdin');
}

function decode(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${name} is no UTF-8 text`, 'Convert it to UTF-8 first.');
  }
}

function withoutFinalLineEnds(text: string): string {
  return text.replace(/[\r\n]+$/, '');
}
