/** Marks the file as one of ours (`PRAGMA application_id`): "FMem". */
export const APPLICATION_ID = 0x46_4d_65_6d;

/**
 * Schema version 1. The truth is in `version`, `clock` and `ledger`; `memory` carries what is looked up by
 * filter, and `tag`, `attribute`, `word`, `pending` can be made again from the truth. `chunk` is derived too,
 * but dear to make.
 *
 * ledger: this data folder's identity and its totals, one row, rewritten by every write.
 *   `sequence` is the one local change sequence: each change of a memory takes the next value.
 *   The sums are those of src/memory/digest.ts.
 * setting: facts of later features (names of published commits and the like), as JSON.
 * memory: one row per id ever seen, with its last change and its current version.
 * version: sibling = 1 for versions that no known version replaces, 0 for local history.
 * tag, attribute: filters; `live` parts searchable memories from those in the trash.
 * word: full text of live memories, without content; `rowid` is `memory.num`.
 * chunk: `label` names the vector in the vector index and is never used twice.
 * pending: live memories that wait for vectors of a model, with the lease of who makes them.
 */
export const SCHEMA_1 = `
CREATE TABLE ledger (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  machine TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  live INTEGER NOT NULL,
  trash INTEGER NOT NULL,
  conflicts INTEGER NOT NULL,
  content_sum BLOB NOT NULL,
  state_sum BLOB NOT NULL
) STRICT;

CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE clock (machine TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sequence INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'deleted', 'stripped', 'purged')),
  conflict INTEGER NOT NULL CHECK (conflict IN (0, 1)),
  current INTEGER NOT NULL,
  source TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  text_hash BLOB
) STRICT;
CREATE UNIQUE INDEX memory_by_sequence ON memory (sequence);
CREATE INDEX memory_by_creation ON memory (state, created_at);
CREATE INDEX memory_by_update ON memory (state, updated_at);
CREATE INDEX memory_by_source ON memory (state, source);
CREATE INDEX memory_by_text ON memory (text_hash) WHERE text_hash IS NOT NULL;
CREATE INDEX memory_by_conflict ON memory (created_at) WHERE conflict = 1;

CREATE TABLE version (
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  num INTEGER NOT NULL REFERENCES memory (num) DEFERRABLE INITIALLY DEFERRED,
  machine TEXT NOT NULL,
  n INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'deleted', 'stripped', 'purged')),
  sibling INTEGER NOT NULL CHECK (sibling IN (0, 1)),
  replaced_at INTEGER,
  text TEXT NOT NULL,
  tags TEXT NOT NULL,
  source TEXT NOT NULL,
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  content_hash BLOB,
  UNIQUE (machine, n)
) STRICT;
CREATE INDEX version_by_memory ON version (num, sibling);

CREATE TABLE tag (
  live INTEGER NOT NULL, tag TEXT NOT NULL, num INTEGER NOT NULL, PRIMARY KEY (live, tag, num)
) STRICT, WITHOUT ROWID;

CREATE TABLE attribute (
  live INTEGER NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, num INTEGER NOT NULL,
  PRIMARY KEY (live, name, value, num)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE word USING fts5 (
  text, tags, content = '', contentless_delete = 1,
  tokenize = "porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);

CREATE TABLE model (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  model_id TEXT NOT NULL,
  dimension INTEGER NOT NULL,
  weights_hash TEXT NOT NULL,
  UNIQUE (model_id, dimension, weights_hash)
) STRICT;

CREATE TABLE chunk (
  label INTEGER PRIMARY KEY AUTOINCREMENT CHECK (label < 2147483648),
  version INTEGER NOT NULL REFERENCES version (key),
  model INTEGER NOT NULL REFERENCES model (id),
  start_offset INTEGER NOT NULL,
  end_offset INTEGER NOT NULL,
  vector BLOB NOT NULL
) STRICT;
CREATE INDEX chunk_by_version ON chunk (version, model);

CREATE TABLE pending (
  model INTEGER NOT NULL REFERENCES model (id),
  num INTEGER NOT NULL REFERENCES memory (num),
  leased_until INTEGER NOT NULL,
  PRIMARY KEY (model, num)
) STRICT, WITHOUT ROWID;
`;

/**
 * Schema version 2: what this data folder remembers about heads in repositories, see `HeadJournal`.
 * own_commit: heads that this folder wrote, recorded before they were. seen_head: the newest that was seen.
 */
export const SCHEMA_2 = `
CREATE TABLE own_commit (
  place TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  own_writes INTEGER NOT NULL,
  sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),
  PRIMARY KEY (place, commit_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE seen_head (
  place TEXT NOT NULL,
  machine TEXT NOT NULL,
  seq INTEGER NOT NULL,
  commit_id TEXT NOT NULL,
  PRIMARY KEY (place, machine)
) STRICT, WITHOUT ROWID;
`;
