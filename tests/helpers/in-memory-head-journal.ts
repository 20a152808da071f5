import type { SeenCommit } from '../../src/backup/format/head.ts';
import type { HeadJournal, OwnCommit } from '../../src/backup/ports.ts';
import type { JsonValue } from '../../src/memory/version.ts';

/** A journal without durability: for tests, and for scratch repositories that are gone with the process. */
export class InMemoryHeadJournal implements HeadJournal {
  readonly #attempts = new Map<string, OwnCommit>();
  readonly #seen = new Map<string, SeenCommit>();
  readonly #notes = new Map<string, JsonValue>();

  recordAttempt(repositoryId: string, commit: OwnCommit): Promise<void> {
    this.#attempts.set(`${commit.commitId} ${repositoryId}`, commit);
    return Promise.resolve();
  }

  findAttempt(repositoryId: string, commitId: string): Promise<OwnCommit | null> {
    return Promise.resolve(this.#attempts.get(`${commitId} ${repositoryId}`) ?? null);
  }

  recordSeen(repositoryId: string, machine: string, { seq, commitId }: SeenCommit): Promise<void> {
    this.#seen.set(`${machine} ${repositoryId}`, { seq, commitId });
    return Promise.resolve();
  }

  findSeen(repositoryId: string, machine: string): Promise<SeenCommit | null> {
    return Promise.resolve(this.#seen.get(`${machine} ${repositoryId}`) ?? null);
  }

  readNote(name: string): Promise<JsonValue | null> {
    return Promise.resolve(this.#notes.get(name) ?? null);
  }

  writeNote(name: string, value: JsonValue | null): Promise<void> {
    if (value === null) this.#notes.delete(name);
    else this.#notes.set(name, value);
    return Promise.resolve();
  }

  /** A copy as a cloned or rolled-back data folder would have it. */
  clone(): InMemoryHeadJournal {
    const copy = new InMemoryHeadJournal();
    for (const [name, commit] of this.#attempts) copy.#attempts.set(name, commit);
    for (const [name, commit] of this.#seen) copy.#seen.set(name, commit);
    for (const [name, value] of this.#notes) copy.#notes.set(name, value);
    return copy;
  }
}
