import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MemoryStore } from '../../src/store/memory-store.ts';
import { draft } from '../helpers/drafts.ts';
import { openSqliteStore, temporaryFolder } from '../helpers/sqlite-store.ts';
import { encodeVector, unitVector } from '../helpers/vectors.ts';

const STAMP = { modelId: 'test', dimension: 4, weightsHash: '' };

interface Expected {
  state: 'live' | 'deleted' | 'stripped' | 'purged';
  text: string;
  tags: readonly string[];
  versions: number;
  embedded: boolean;
}

/** What the store should hold, by id, and the ids in the order of their making. */
class Model {
  readonly memories = new Map<string, Expected>();
  readonly ids: string[] = [];

  /** The memory that a command with this random number is about; null while there is none. */
  pick(random: number): { readonly id: string; readonly memory: Expected } | null {
    const id = this.ids[random % Math.max(1, this.ids.length)];
    const memory = id === undefined ? undefined : this.memories.get(id);
    return id === undefined || memory === undefined ? null : { id, memory };
  }

  /** The live memory that takes in the tags of the same text: the first one, unless another has them all. */
  twinOf(
    text: string,
    tags: readonly string[],
  ): { readonly id: string; readonly memory: Expected } | undefined {
    const twins = this.ids.flatMap((id) => {
      const memory = this.memories.get(id);
      return memory?.state === 'live' && memory.text === text ? [{ id, memory }] : [];
    });
    return twins.find(({ memory }) => tags.every((tag) => memory.tags.includes(tag))) ?? twins[0];
  }

  count(state: Expected['state']): number {
    return [...this.memories.values()].filter((memory) => memory.state === state).length;
  }
}

interface Real {
  store: MemoryStore;
  readonly reopen: () => MemoryStore;
}

type Command = fc.AsyncCommand<Model, Real>;

/** Texts without common words, so that a word finds exactly the memories that contain it. */
const text = fc.constantFrom('apple', 'banana', 'cherry', 'damson', 'elder apple', 'fig banana');
const tags = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 }).map((list) => [...list].sort());

class Add implements Command {
  readonly #text: string;
  readonly #tags: readonly string[];
  readonly #twice: boolean;

  constructor(addedText: string, addedTags: readonly string[], twice: boolean) {
    this.#text = addedText;
    this.#tags = addedTags;
    this.#twice = twice;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    const existing = this.#twice ? undefined : model.twinOf(this.#text, this.#tags);
    const [outcome] = await real.store.add([draft(this.#text, { tags: this.#tags })], {
      allowDuplicates: this.#twice,
    });
    expect(outcome?.outcome).toBe(existing === undefined ? 'added' : 'existing');
    const id = outcome?.memory.id ?? '';
    if (existing !== undefined) {
      expect(id).toBe(existing.id);
      const { memory } = existing;
      const joined = [...new Set([...memory.tags, ...this.#tags])].sort();
      const gains = joined.length > memory.tags.length;
      expect(outcome?.gained).toEqual(gains ? ['tags'] : []);
      if (gains) Object.assign(memory, { tags: joined, versions: memory.versions + 1 });
      return;
    }
    model.ids.push(id);
    model.memories.set(id, {
      state: 'live',
      text: this.#text,
      tags: this.#tags,
      versions: 1,
      embedded: false,
    });
  }

  toString(): string {
    return `add(${this.#text}, [${this.#tags.join()}]${this.#twice ? ', even twice' : ''})`;
  }
}

/** A command about one memory. */
abstract class OnOne implements Command {
  protected readonly random: number;

  constructor(random: number) {
    this.random = random;
  }

  check(model: Readonly<Model>): boolean {
    return model.ids.length > 0;
  }

  async run(model: Model, real: Real): Promise<void> {
    const picked = model.pick(this.random);
    if (picked !== null) await this.apply(picked.id, picked.memory, real.store);
  }

  protected abstract apply(id: string, memory: Expected, store: MemoryStore): Promise<void>;

  toString(): string {
    return `${this.constructor.name}(${this.random})`;
  }
}

class Update extends OnOne {
  readonly #text: string;
  readonly #tags: readonly string[];

  constructor(random: number, newText: string, newTags: readonly string[]) {
    super(random);
    this.#text = newText;
    this.#tags = newTags;
  }

  protected override async apply(id: string, memory: Expected, store: MemoryStore): Promise<void> {
    const call = store.update(id, { text: this.#text, tags: this.#tags });
    if (memory.state !== 'live') {
      await expect(call).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      return;
    }
    await call;
    const sameText = memory.text === this.#text;
    if (sameText && memory.tags.join() === this.#tags.join()) return;
    Object.assign(memory, { text: this.#text, tags: this.#tags, versions: memory.versions + 1 });
    memory.embedded &&= sameText;
  }

  override toString(): string {
    return `Update(${this.random}, ${this.#text}, [${this.#tags.join()}])`;
  }
}

class Delete extends OnOne {
  protected override async apply(id: string, memory: Expected, store: MemoryStore): Promise<void> {
    expect(await store.delete([id])).toBe(memory.state === 'live' ? 1 : 0);
    if (memory.state === 'live') Object.assign(memory, { state: 'deleted', versions: memory.versions + 1 });
  }
}

class Restore extends OnOne {
  protected override async apply(id: string, memory: Expected, store: MemoryStore): Promise<void> {
    const call = store.restore([id]);
    if (memory.state === 'stripped' || memory.state === 'purged') {
      await expect(call).rejects.toMatchObject({ code: 'INVALID_INPUT' });
      return;
    }
    await call;
    if (memory.state === 'deleted') Object.assign(memory, { state: 'live', versions: memory.versions + 1 });
  }
}

class Purge extends OnOne {
  protected override async apply(id: string, memory: Expected, store: MemoryStore): Promise<void> {
    const hadContent = memory.state === 'live' || memory.state === 'deleted';
    expect(await store.purge([id])).toBe(hadContent ? 1 : 0);
    Object.assign(memory, { state: 'purged', text: '', tags: [], versions: 1, embedded: false });
  }
}

class StripTrash implements Command {
  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    expect(await real.store.expireTrash(0)).toBe(model.count('deleted'));
    for (const memory of model.memories.values()) {
      if (memory.state !== 'deleted') continue;
      Object.assign(memory, { state: 'stripped', text: '', tags: [], versions: 1, embedded: false });
    }
  }

  toString(): string {
    return 'stripTrash()';
  }
}

class Embed implements Command {
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  check(): boolean {
    return true;
  }

  async run(model: Model, real: Real): Promise<void> {
    const waiting = model.ids.filter((id) => {
      const memory = model.memories.get(id);
      return memory?.state === 'live' && !memory.embedded;
    });
    const claimed = await real.store.claimPendingEmbeddings({
      modelId: STAMP,
      limit: this.#limit,
      leaseMs: 0,
    });
    expect(claimed.map(({ id }) => id)).toEqual(waiting.slice(0, this.#limit));
    const chunks = [{ start: 0, end: 1, vector: encodeVector(unitVector(4, 1)) }];
    await real.store.putEmbeddings(
      STAMP,
      claimed.map(({ versionKey }) => ({ versionKey, chunks })),
    );
    for (const { id } of claimed) {
      const memory = model.memories.get(id);
      if (memory !== undefined) memory.embedded = true;
    }
  }

  toString(): string {
    return `embed(${this.#limit})`;
  }
}

class Reopen implements Command {
  check(): boolean {
    return true;
  }

  async run(_: Model, real: Real): Promise<void> {
    await real.store.close();
    real.store = real.reopen();
  }

  toString(): string {
    return 'reopen()';
  }
}

/** Compares everything that can be asked of the store with the model. */
async function expectSame(model: Model, store: MemoryStore): Promise<void> {
  const memories = await store.getCurrent(model.ids);
  expect(
    memories.map(({ id, state, text: shown, tags: shownTags, versionCount }) => [
      id,
      state,
      shown,
      shownTags,
      versionCount,
    ]),
  ).toEqual(
    model.ids.map((id) => {
      const { state, text: expected, tags: expectedTags, versions } = model.memories.get(id) ?? {};
      return [id, state, expected, expectedTags, versions];
    }),
  );
  const live = model.ids.filter((id) => model.memories.get(id)?.state === 'live');
  expect((await store.matching({})).sort()).toEqual([...live].sort());
  for (const word of ['apple', 'banana', 'cherry']) {
    const { words } = await store.candidates({ filter: {}, limit: 500, words: word });
    const expected = live.filter((id) => model.memories.get(id)?.text.split(' ').includes(word));
    expect(words.map(({ id }) => id).sort()).toEqual(expected.sort());
  }
  const tagged = live.filter((id) => model.memories.get(id)?.tags.includes('x'));
  const vector = { modelId: STAMP, vector: unitVector(4, 1) };
  const { vectors } = await store.candidates({ filter: { tagsAny: ['x'] }, limit: 500, vector });
  expect(vectors.map(({ id }) => id).sort()).toEqual(
    tagged.filter((id) => model.memories.get(id)?.embedded).sort(),
  );
  expect(await store.stats(STAMP)).toMatchObject({ live: live.length, trash: model.count('deleted') });
  expect((await store.checkIntegrity(STAMP)).problems).toEqual([]);
}

const random = fc.nat(1_000);
const commands = fc.commands(
  [
    fc.tuple(text, tags, fc.boolean()).map(([t, list, twice]) => new Add(t, list, twice)),
    fc.tuple(random, text, tags).map(([number, t, list]) => new Update(number, t, list)),
    random.map((number) => new Delete(number)),
    random.map((number) => new Restore(number)),
    random.map((number) => new Purge(number)),
    fc.constant(new StripTrash()),
    fc.integer({ min: 1, max: 3 }).map((limit) => new Embed(limit)),
    fc.constant(new Reopen()),
  ],
  { maxCommands: 40 },
);

test('behaves like a plain map under any sequence of calls', async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (sequence) => {
      const folder = temporaryFolder();
      const reopen = () => openSqliteStore(folder);
      const real: Real = { store: reopen(), reopen };
      const model = new Model();
      await fc.asyncModelRun(() => ({ model, real }), sequence);
      await expectSame(model, real.store);
      await real.store.close();
    }),
    { numRuns: 60 },
  );
}, 120_000);
