import type { Version } from '../../src/memory/version.ts';
import type { MemoryTable } from './memory-table.ts';

/** Names a write for ever, whatever dot it has by now: every write of a test has another time. */
type WriteName = string;

/**
 * What every acknowledged write knew, kept beside the machines: the oracle for "no write is ever lost". A write
 * is safe when it is a sibling at the end, or a write that knew it is safe.
 */
export class WriteHistory {
  /** For each write those that replaced it and knew it. */
  readonly #replacedBy = new Map<WriteName, Set<WriteName>>();
  readonly #excused = new Set<WriteName>();
  /** Written again by a restore from a snapshot: they may come back although they were replaced before. */
  readonly #restored = new Set<WriteName>();

  /** Call it with the versions of one memory on the machine, before and after the write. */
  acknowledge(id: string, before: readonly Version[], after: readonly Version[]): void {
    for (const written of after) {
      const name = nameOf(id, written);
      if (this.#replacedBy.has(name)) this.#restored.add(name);
      else this.#replacedBy.set(name, new Set());
    }
    for (const replaced of before) {
      const writes = this.#replacedBy.get(nameOf(id, replaced));
      for (const written of after) writes?.add(nameOf(id, written));
    }
  }

  /** The only copy of this version was thrown away by the user. */
  excuse(id: string, updatedAt: number): void {
    this.#excused.add(nameOf(id, { updatedAt }));
  }

  /** Acknowledged writes that nothing in the table remembers. */
  lostIn(table: MemoryTable): WriteName[] {
    const present = new Set(table.states().flatMap(({ id, siblings }) => siblings.map((v) => nameOf(id, v))));
    return [...this.#replacedBy.keys()].filter(
      (name) => !this.#excused.has(name) && !this.#isSafe(name, present, new Set()),
    );
  }

  /** Versions that stand there although a write that knew them was never thrown away. */
  returnedIn(table: MemoryTable): WriteName[] {
    const names = table.states().flatMap(({ id, siblings }) => siblings.map((v) => nameOf(id, v)));
    return names.filter((name) => {
      const replacing = [...(this.#replacedBy.get(name) ?? [])].filter((other) => !this.#excused.has(other));
      return replacing.length > 0 && !this.#restored.has(name);
    });
  }

  #isSafe(name: WriteName, present: ReadonlySet<WriteName>, seen: Set<WriteName>): boolean {
    if (present.has(name)) return true;
    if (seen.has(name)) return false;
    seen.add(name);
    return [...(this.#replacedBy.get(name) ?? [])].some((other) => this.#isSafe(other, present, seen));
  }
}

function nameOf(id: string, { updatedAt }: Pick<Version, 'updatedAt'>): WriteName {
  return `${id} ${updatedAt}`;
}
