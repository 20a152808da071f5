import type { Adapter, AdapterPayload } from 'oidc-provider';
import { secretDigest } from '../../util/secret-string.ts';
import type { AuthStore } from './auth-store.ts';

/** Entries whose id is a secret of its own are found by a digest of it, so that the file gives no token away. */
const SECRET_IDS = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken', 'RegistrationAccessToken']);

/** The most entries of a kind that strangers can cause; the least recently used ones go first. */
const MOST: Readonly<Record<string, number>> = { Client: 2_000, Interaction: 10_000, Session: 10_000 };
const MOST_OTHERS = 100_000;
/** How often all expired entries are removed, in writes. */
const SWEEP_EVERY = 50;

interface EntryRow {
  readonly id: string;
  readonly content: string;
  readonly used_at: number;
}

/** Keeps what the authorization server remembers, of one kind. All work is done when a method returns. */
export class EntryAdapter implements Adapter {
  readonly #store: AuthStore;
  readonly #kind: string;
  #writes = 0;

  constructor(store: AuthStore, kind: string) {
    this.#store = store;
    this.#kind = kind;
  }

  upsert(id: string, payload: AdapterPayload, expiresIn?: number): Promise<undefined> {
    const now = Date.now();
    const isSecret = SECRET_IDS.has(this.#kind);
    const { jti, ...others } = payload;
    const content = JSON.stringify(isSecret && jti === id ? others : payload);
    this.#store.transaction(() => {
      this.#store
        .statement(
          `INSERT INTO entry (kind, id, content, grant_id, uid, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (kind, id) DO UPDATE SET content = excluded.content, grant_id = excluded.grant_id,
             uid = excluded.uid, used_at = excluded.used_at, expires_at = excluded.expires_at`,
        )
        .run(
          this.#kind,
          this.#keyOf(id),
          content,
          payload.grantId ?? null,
          payload.uid ?? null,
          now,
          // A client that registered itself comes back or is forgotten; see `#limit`.
          typeof expiresIn === 'number' && Number.isFinite(expiresIn) ? now + expiresIn * 1_000 : null,
        );
      if (this.#writes % SWEEP_EVERY === 0) this.#sweep(now);
      this.#writes += 1;
    });
    return Promise.resolve(undefined);
  }

  find(id: string): Promise<AdapterPayload | undefined> {
    const row = this.#store
      .statement(
        'SELECT id, content, used_at FROM entry WHERE kind = ? AND id = ? AND (expires_at IS NULL OR expires_at > ?)',
      )
      .get(this.#kind, this.#keyOf(id), Date.now()) as EntryRow | undefined;
    if (row === undefined) return Promise.resolve(undefined);
    this.#noteUse(row);
    const payload = JSON.parse(row.content) as AdapterPayload;
    return Promise.resolve(SECRET_IDS.has(this.#kind) ? { ...payload, jti: id } : payload);
  }

  findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const row = this.#store
      .statement(
        'SELECT content FROM entry WHERE kind = ? AND uid = ? AND (expires_at IS NULL OR expires_at > ?)',
      )
      .get(this.#kind, uid, Date.now()) as EntryRow | undefined;
    return Promise.resolve(row === undefined ? undefined : (JSON.parse(row.content) as AdapterPayload));
  }

  /** Codes of devices are not offered. */
  findByUserCode(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  consume(id: string): Promise<undefined> {
    this.#store
      .statement(`UPDATE entry SET content = json_set(content, '$.consumed', ?) WHERE kind = ? AND id = ?`)
      .run(Math.floor(Date.now() / 1_000), this.#kind, this.#keyOf(id));
    return Promise.resolve(undefined);
  }

  destroy(id: string): Promise<undefined> {
    this.#store.statement('DELETE FROM entry WHERE kind = ? AND id = ?').run(this.#kind, this.#keyOf(id));
    return Promise.resolve(undefined);
  }

  revokeByGrantId(grantId: string): Promise<undefined> {
    this.#store.statement('DELETE FROM entry WHERE grant_id = ?').run(grantId);
    return Promise.resolve(undefined);
  }

  #keyOf(id: string): string {
    return SECRET_IDS.has(this.#kind) ? secretDigest(id).toString('base64url') : id;
  }

  /** Once an hour is enough to know which clients come back. */
  #noteUse({ id, used_at: usedAt }: EntryRow): void {
    const now = Date.now();
    if (this.#kind !== 'Client' || now - usedAt < 3_600_000) return;
    this.#store.statement('UPDATE entry SET used_at = ? WHERE kind = ? AND id = ?').run(now, this.#kind, id);
  }

  #sweep(now: number): void {
    this.#store.statement('DELETE FROM entry WHERE expires_at <= ?').run(now);
    const most = MOST[this.#kind] ?? MOST_OTHERS;
    this.#store
      .statement(
        `DELETE FROM entry WHERE kind = ?1 AND id IN
           (SELECT id FROM entry WHERE kind = ?1 ORDER BY used_at DESC, id LIMIT -1 OFFSET ?2)`,
      )
      .run(this.#kind, most);
  }
}
