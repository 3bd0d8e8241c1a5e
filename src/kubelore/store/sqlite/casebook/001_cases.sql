-- The journal is the truth; investigations is what it makes of each case, for queries.

CREATE TABLE case_keys (
  name  TEXT PRIMARY KEY,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO case_keys VALUES ('cluster', randomblob(32));

CREATE TABLE journal (
  seq      INTEGER PRIMARY KEY,
  case_id  TEXT NOT NULL,
  at       TEXT NOT NULL,
  who      TEXT NOT NULL,
  what     TEXT NOT NULL,
  payload  TEXT NOT NULL,
  previous TEXT NOT NULL,
  hash     TEXT NOT NULL
) STRICT;

CREATE INDEX journal_by_case ON journal (case_id, seq);

CREATE TRIGGER journal_is_never_changed BEFORE UPDATE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_is_never_shortened BEFORE DELETE ON journal
BEGIN SELECT raise(ABORT, 'the journal is append-only'); END;

-- Small columns first: a scan need not read the large ones, which end on pages of their own.
CREATE TABLE investigations (
  number           INTEGER PRIMARY KEY,
  id               TEXT NOT NULL UNIQUE,
  seq              INTEGER NOT NULL,
  timestamp        TEXT NOT NULL,
  namespace        TEXT NOT NULL,
  status           TEXT NOT NULL,
  state            TEXT NOT NULL,
  why              TEXT NOT NULL,
  decider          TEXT NOT NULL,
  model            TEXT NOT NULL,
  cluster          TEXT NOT NULL,
  root_cause       TEXT NOT NULL,
  object           TEXT NOT NULL,
  probability      REAL NOT NULL,
  confidence       TEXT NOT NULL,
  tokens_in        INTEGER NOT NULL,
  tokens_out       INTEGER NOT NULL,
  calls            INTEGER NOT NULL,
  seconds          REAL NOT NULL,
  source           TEXT NOT NULL,
  user_rating      INTEGER NOT NULL,
  confirmed        INTEGER NOT NULL,
  confirmed_cause  TEXT NOT NULL,
  confirmed_object TEXT NOT NULL,
  misled           TEXT NOT NULL,
  verdict          TEXT NOT NULL,
  fingerprint      TEXT NOT NULL,
  merged_into      TEXT NOT NULL,
  count            INTEGER NOT NULL,
  credit           REAL NOT NULL,
  query            TEXT NOT NULL,
  user_feedback    TEXT NOT NULL,
  error            TEXT NOT NULL,
  credits          TEXT NOT NULL,
  lesson           TEXT NOT NULL,
  tools            TEXT NOT NULL,
  signs            TEXT NOT NULL,
  facts            TEXT NOT NULL,
  cluster_context  TEXT NOT NULL,
  hashes           TEXT NOT NULL,
  lessons          TEXT NOT NULL,
  diagnosis        TEXT NOT NULL,
  steps_json       TEXT NOT NULL,
  cause            TEXT NOT NULL GENERATED ALWAYS AS (iif(confirmed_cause <> '', confirmed_cause, root_cause)),
  embedder         TEXT NOT NULL DEFAULT '',
  query_embedding  BLOB
) STRICT;

-- Lists are filtered in the index alone; only the rows of one page are read.
CREATE INDEX investigations_listed ON investigations (
  timestamp, id, state, cause, namespace, cluster, source
);
CREATE INDEX investigations_counted ON investigations (
  state, status, source, decider, user_rating, cause, confidence, verdict
);
-- All that recall reads of what teaches, side by side: the rows themselves lie far apart.
CREATE INDEX investigations_teaching ON investigations (
  timestamp, id, state, root_cause, confirmed_cause, object, confirmed_object, signs, confirmed, misled, tools,
  source, cluster, count, credit, lesson, merged_into
) WHERE state = 'trusted' AND merged_into = '';
CREATE INDEX investigations_by_seq ON investigations (seq);
CREATE INDEX investigations_by_fingerprint ON investigations (fingerprint) WHERE fingerprint <> '';
CREATE INDEX investigations_merged ON investigations (merged_into) WHERE merged_into <> '';
CREATE INDEX investigations_that_gave_credit ON investigations (id) WHERE credits <> '{}';
CREATE INDEX journal_ratings ON journal (who, at) WHERE what = 'rated';

-- What a person searches: one row for each case, its number as rowid. No trigger keeps it, for SQLite lets
-- none write a virtual table where the schema is not trusted.
CREATE VIRTUAL TABLE investigations_text USING fts5 (
  query, cause, object, explanation, facts, user_feedback, detail = column
);

-- What the steps saw, compressed; the oldest are dropped first.
CREATE TABLE observations (
  number  INTEGER PRIMARY KEY,
  case_id TEXT NOT NULL,
  step    INTEGER NOT NULL,
  data    BLOB NOT NULL,
  UNIQUE (case_id, step)
) STRICT;

CREATE TRIGGER observations_are_never_changed BEFORE UPDATE ON observations
BEGIN SELECT raise(ABORT, 'what was seen is never changed'); END;

-- Facts and edges of a whole case, compressed: small, and kept for as long as the case.
CREATE TABLE evidence (
  case_id TEXT PRIMARY KEY,
  data    BLOB NOT NULL
) STRICT;

CREATE TRIGGER evidence_is_never_changed BEFORE UPDATE ON evidence
BEGIN SELECT raise(ABORT, 'evidence is never changed'); END;

CREATE TABLE kept (
  bodies INTEGER NOT NULL,
  bytes  INTEGER NOT NULL
) STRICT;

INSERT INTO kept VALUES (0, 0);

CREATE TRIGGER observations_counted AFTER INSERT ON observations
BEGIN UPDATE kept SET bodies = bodies + 1, bytes = bytes + length(new.data); END;

CREATE TRIGGER observations_discounted AFTER DELETE ON observations
BEGIN UPDATE kept SET bodies = bodies - 1, bytes = bytes - length(old.data); END;
