import type { QueryResultRow } from 'pg';
import { FaissMemoryError } from '../errors/faiss-memory-error.ts';
import { settleWithin } from '../util/concurrency.ts';
import { type PeopleStatements, storable } from './people-statements.ts';
import type { Person, Role, Space, TokenFacts } from './people-store.ts';

/** A right that another server took from a person or a token ends here after this time at the latest. */
const FRESH_MS = 1_000;
/** While the database does not answer, earlier answers count for so long, because reads go on then too. */
const OUTAGE_MS = 300_000;
/** A request waits so long for the database before it goes on with earlier answers. */
const WAIT_MS = 2_000;
const SICK_WAIT_MS = 50;
/** Callers, before the oldest are forgotten. */
const MOST = 20_000;

export interface Card {
  readonly person: Person | null;
  /** Of spaces in the trash too. */
  readonly roles: readonly { readonly role: Role; readonly space: Space }[];
}

export interface KnownToken {
  readonly facts: TokenFacts;
  readonly hash: Uint8Array;
}

type Ask = (sql: string, parameters: readonly unknown[]) => Promise<QueryResultRow[]>;

/**
 * The questions that requests ask again and again. One brings all that a request needs: of a token
 * also the person, and of a person all spaces with the roles in them. An answer counts for a second from the moment that
 * it was asked for. That there is no such thing is never remembered, so new rights count at once.
 */
export class KnownCallers {
  readonly #ask: Ask;
  readonly #statements: PeopleStatements;
  readonly #cards = new Remembered<Card>();
  readonly #tokens = new Remembered<KnownToken>();
  readonly #spaces = new Remembered<Space>();

  constructor(ask: Ask, statements: PeopleStatements) {
    this.#ask = ask;
    this.#statements = statements;
  }

  async person(id: string): Promise<Card> {
    return (await this.#card(id, ({ person }) => person !== null)) ?? { person: null, roles: [] };
  }

  async role(space: string, person: string): Promise<Role | null> {
    const find = ({ roles }: Card): Role | undefined => roles.find((one) => one.space.id === space)?.role;
    const card = await this.#card(person, (known) => find(known) !== undefined);
    return card === null ? null : (find(card) ?? null);
  }

  space(id: string): Promise<Space | null> {
    return this.#spaces.find(id, {
      // That it is in the trash may be over: it counts at once that it was taken back.
      isEnough: ({ removed }) => removed === null,
      ask: async () => {
        const [row] = await this.#ask(this.#statements.space, [storable(id)]);
        return row === undefined ? null : toSpace(row);
      },
    });
  }

  token(id: string): Promise<KnownToken | null> {
    return this.#tokens.find(id, {
      ask: async (at) => {
        const [row] = await this.#ask(this.#statements.token, [storable(id)]);
        if (row === undefined) return null;
        const token = { facts: toToken(row), hash: row['hash'] as Uint8Array };
        this.#keep(token.facts.person, { card: toCard(row['card'] as CardJson), at });
        return token;
      },
    });
  }

  noteUse(id: string, day: string): void {
    this.#tokens.change(id, ({ facts, hash }) => ({ facts: { ...facts, lastUsed: day }, hash }));
  }

  /** After a change by this process. */
  forget(): void {
    for (const remembered of [this.#cards, this.#tokens, this.#spaces]) remembered.forget();
  }

  #card(id: string, isEnough: (card: Card) => boolean): Promise<Card | null> {
    return this.#cards.find(id, {
      isEnough,
      ask: async (at) => {
        const [row] = await this.#ask(this.#statements.card, [storable(id)]);
        const card = toCard(row?.['card'] as CardJson);
        this.#keep(id, { card, at });
        return card;
      },
    });
  }

  #keep(person: string, { card, at }: { readonly card: Card; readonly at: Moment }): void {
    this.#cards.keep(person, card, at);
    for (const { space } of card.roles) this.#spaces.keep(space.id, space, at);
  }
}

/** When something was asked: milliseconds, and how often everything was forgotten before. */
interface Moment {
  readonly milliseconds: number;
  readonly era: number;
}

interface Question<Value> {
  readonly ask: (at: Moment) => Promise<Value | null>;
  /** False = the known answer lacks the wanted thing, and the question is asked again. Default: always true. */
  readonly isEnough?: (value: Value) => boolean;
}

class Remembered<Value> {
  readonly #known = new Map<string, { readonly value: Value; readonly at: number }>();
  readonly #asking = new Map<string, Promise<Value | null>>();
  #era = 0;
  #isSick = false;

  async find(key: string, question: Question<Value>): Promise<Value | null> {
    const { isEnough = () => true } = question;
    const known = this.#known.get(key);
    const age = known === undefined ? Infinity : performance.now() - known.at;
    const usable = known !== undefined && age < OUTAGE_MS && isEnough(known.value) ? known : undefined;
    if (usable !== undefined && age < FRESH_MS) return usable.value;
    const asking = this.#asking.get(key) ?? this.#start(key, question);
    if (usable === undefined) return asking;
    try {
      const waitMs = this.#isSick ? SICK_WAIT_MS : WAIT_MS;
      const answer = await settleWithin(
        asking.then((value) => ({ value })),
        waitMs,
      );
      return answer === undefined ? usable.value : answer.value;
    } catch (error) {
      if (isOutage(error)) return usable.value;
      throw error;
    }
  }

  keep(key: string, value: Value, { milliseconds, era }: Moment): void {
    if (era !== this.#era) return;
    this.#known.delete(key);
    this.#known.set(key, { value, at: milliseconds });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
  }

  change(key: string, work: (value: Value) => Value): void {
    const known = this.#known.get(key);
    if (known !== undefined) this.#known.set(key, { ...known, value: work(known.value) });
  }

  forget(): void {
    this.#era += 1;
    this.#known.clear();
    this.#asking.clear();
  }

  #start(key: string, { ask }: Question<Value>): Promise<Value | null> {
    const at = { milliseconds: performance.now(), era: this.#era };
    const asking = ask(at).then(
      (value) => {
        this.#isSick = false;
        if (value !== null) this.keep(key, value, at);
        else if (at.era === this.#era) this.#known.delete(key);
        return value;
      },
      (error: unknown) => {
        this.#isSick = isOutage(error);
        throw error;
      },
    );
    this.#asking.set(key, asking);
    const forget = (): void => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
    };
    asking.then(forget, forget);
    return asking;
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof FaissMemoryError && error.retryable;
}

interface CardJson {
  readonly person: QueryResultRow | null;
  readonly roles: readonly { readonly role: Role; readonly space: QueryResultRow }[];
}

function toCard({ person, roles }: CardJson): Card {
  return {
    person: person === null ? null : toPerson(person),
    roles: roles.map(({ role, space }) => ({ role, space: toSpace(space) })),
  };
}

export function toPerson({ id, name, space, created }: QueryResultRow): Person {
  return { id: String(id), name: String(name), space: String(space), created: Number(created) };
}

export function toSpace({ id, name, kind, created, removed }: QueryResultRow): Space {
  return {
    ...{ id: String(id), name: String(name), created: Number(created) },
    kind: kind === 'personal' ? 'personal' : 'shared',
    removed: removed === null ? null : Number(removed),
  };
}

export function toToken({
  id,
  person,
  name,
  scope,
  created,
  expires,
  last_used: lastUsed,
}: QueryResultRow): TokenFacts {
  return {
    ...{ id: String(id), person: String(person), name: String(name), created: Number(created) },
    scope: scope as TokenFacts['scope'],
    expires: expires === null ? null : Number(expires),
    lastUsed: lastUsed === null ? null : String(lastUsed),
  };
}
