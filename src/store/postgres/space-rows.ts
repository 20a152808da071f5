import { NoSuchError } from '../../errors/people-errors.ts';
import { StateChangedError } from '../../errors/input-errors.ts';
import { OutcomeUnknown } from './database.ts';
import type { PreparedDatabase } from './prepared-database.ts';
import { statementsFor } from './statements.ts';

/** Time to erase all rows of a space. */
const ERASE = { withinMs: 60_000 };

/** The rows of a team's spaces, for a server that has none of them open. Each statement is about one space. */
export class SpaceRows {
  readonly #database: PreparedDatabase;

  constructor(database: PreparedDatabase) {
    this.#database = database;
  }

  /** False when there are, or were, memories under this id: of a server without a team, for example. */
  async isFree(space: string): Promise<boolean> {
    const [row] = await this.#run('SELECT sequence FROM @.space WHERE id = $1', [space]);
    return row === undefined || Number(row['sequence']) === 0;
  }

  /** @param machine of the new space. Does nothing when it is there. */
  async create(space: string, machine: string): Promise<void> {
    const { create } = statementsFor(this.#database.schema);
    await this.#database.run(create, [space, machine], { withinMs: 5_000, space });
  }

  async requireThere(space: string): Promise<void> {
    const rows = await this.#run('SELECT 1 FROM @.space WHERE id = $1', [space]);
    if (rows.length === 0) throw new NoSuchError('space', space);
  }

  /**
   * Erases all rows of a space in the trash; none when no space has the id, because a new one may be on its way. A write
   * under way is erased with it or refused.
   * @param of.removed when it was removed, in milliseconds since the epoch
   * @throws StateChangedError when it was taken back from the trash, or is another space now
   */
  async erase({ id: space, removed }: { readonly id: string; readonly removed: number }): Promise<void> {
    const erasing = this.#database.transaction(
      async (statement) => {
        const run = (sql: string): ReturnType<typeof statement> => statement(this.#named(sql), [space]);
        // The row stays locked, so nobody takes the space back or makes one of its id meanwhile.
        const [known] = await run('SELECT removed FROM @.team_space WHERE id = $1 FOR UPDATE');
        if (known === undefined) return;
        if (known['removed'] === null || Number(known['removed']) !== removed) throw new StateChangedError();
        // Each process that appends an entry locks this row first.
        await run('DELETE FROM @.space WHERE id = $1');
        for (const table of ['entry', 'memory_state', 'version', 'embedding', 'note', 'lease'])
          await run(`DELETE FROM @.${table} WHERE space = $1`);
      },
      { ...ERASE, space },
    );
    // It can be repeated, whatever its outcome was.
    await erasing.catch((error: unknown) => {
      throw error instanceof OutcomeUnknown ? this.#database.unreachable(error) : error;
    });
  }

  /** Of the memories as they are now, with vectors; without earlier texts and without indexes. */
  async bytes(space: string): Promise<number> {
    const [row] = await this.#run('SELECT sum(bytes) AS bytes FROM @.memory_state WHERE space = $1', [space]);
    return Number(row?.['bytes'] ?? 0);
  }

  /** Whether there is anything that expires some time, beside conversations. */
  async hasTrash(space: string): Promise<boolean> {
    const [row] = await this.#run(
      `SELECT EXISTS (SELECT 1 FROM @.version WHERE space = $1 AND current AND state = 'deleted')
        OR EXISTS (SELECT 1 FROM @.memory_state WHERE space = $1 AND hidden IS NOT NULL) AS found`,
      [space],
    );
    return row?.['found'] === true;
  }

  /** Those of the ids that are spaces of the team and not in the trash. */
  async inUse(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#database.run(
      this.#named('SELECT id FROM @.team_space WHERE removed IS NULL AND id = ANY($1::text[])'),
      [ids],
    );
    return new Set(rows.map(({ id }) => String(id)));
  }

  /** @returns false when another holder has it; it ends by itself after the milliseconds */
  async lease(name: string, holder: string, milliseconds: number): Promise<boolean> {
    const space = 'default';
    const { lease } = statementsFor(this.#database.schema);
    const options = { withinMs: 5_000, space };
    return (await this.#database.run(lease, [space, name, holder, milliseconds], options)).length === 1;
  }

  #run(sql: string, [space]: readonly [space: string]): ReturnType<PreparedDatabase['run']> {
    return this.#database.run(this.#named(sql), [space], { withinMs: 5_000, space });
  }

  #named(sql: string): string {
    return sql.replaceAll('@.', `${this.#database.schema}.`);
  }
}
