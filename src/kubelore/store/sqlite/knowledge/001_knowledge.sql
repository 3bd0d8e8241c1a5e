CREATE TABLE knowledge_settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE knowledge_sources (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    pass INTEGER NOT NULL DEFAULT 0,
    updated TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE knowledge_documents (
    id INTEGER PRIMARY KEY,
    source INTEGER NOT NULL REFERENCES knowledge_sources (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    pass INTEGER NOT NULL,
    UNIQUE (source, name)
) STRICT;

-- The number of a passage is its place in the vectors, so numbers that became free are used again.
CREATE TABLE knowledge_passages (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    content TEXT NOT NULL
) STRICT;

CREATE TABLE knowledge_free (
    passage INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE knowledge_entries (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    document INTEGER NOT NULL REFERENCES knowledge_documents (id),
    position INTEGER NOT NULL,
    passage INTEGER NOT NULL REFERENCES knowledge_passages (id),
    type TEXT NOT NULL,
    tags TEXT NOT NULL,
    url TEXT NOT NULL,
    licence TEXT NOT NULL,
    version TEXT NOT NULL,
    time TEXT NOT NULL
) STRICT;
CREATE INDEX knowledge_entries_document ON knowledge_entries (document, position);
CREATE INDEX knowledge_entries_passage ON knowledge_entries (passage);
CREATE INDEX knowledge_entries_type ON knowledge_entries (type, document, passage);

CREATE TABLE knowledge_tags (
    tag TEXT NOT NULL,
    entry INTEGER NOT NULL REFERENCES knowledge_entries (seq) ON DELETE CASCADE,
    PRIMARY KEY (tag, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX knowledge_tags_entry ON knowledge_tags (entry);

-- Keys that near duplicates share.
CREATE TABLE knowledge_near (
    key INTEGER NOT NULL,
    passage INTEGER NOT NULL REFERENCES knowledge_passages (id) ON DELETE CASCADE,
    PRIMARY KEY (key, passage)
) STRICT, WITHOUT ROWID;
CREATE INDEX knowledge_near_passage ON knowledge_near (passage);

-- Analysed text, words divided by blanks: the tokenizer takes every other character for a part of a word.
CREATE TABLE knowledge_terms (
    passage INTEGER PRIMARY KEY REFERENCES knowledge_passages (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    content TEXT NOT NULL,
    tags TEXT NOT NULL
) STRICT;

CREATE VIRTUAL TABLE knowledge_fts USING fts5 (
    title, content, tags,
    content = 'knowledge_terms', content_rowid = 'passage',
    tokenize = "ascii tokenchars '!""#$%&()*+,-./:;<=>?@[\]^_`{|}~'''"
);
CREATE VIRTUAL TABLE knowledge_vocabulary USING fts5vocab (knowledge_fts, row);

-- Words that many passages have, counted at the end of a pass: counting them takes long.
CREATE TABLE knowledge_common (
    word TEXT PRIMARY KEY,
    passages INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One embedder each; `searched` is 1 for the one that answers, 0 for the next one, still incomplete.
CREATE TABLE knowledge_spaces (
    id INTEGER PRIMARY KEY,
    embedder TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL,
    searched INTEGER NOT NULL UNIQUE
) STRICT;

-- Vectors of 256 passages that follow each other, float32 little-endian; zeros where there is none.
CREATE TABLE knowledge_vectors (
    id INTEGER PRIMARY KEY,
    space INTEGER NOT NULL REFERENCES knowledge_spaces (id) ON DELETE CASCADE,
    block INTEGER NOT NULL,
    vectors BLOB NOT NULL,
    UNIQUE (space, block)
) STRICT;

CREATE TABLE knowledge_unembedded (
    space INTEGER NOT NULL REFERENCES knowledge_spaces (id) ON DELETE CASCADE,
    passage INTEGER NOT NULL REFERENCES knowledge_passages (id) ON DELETE CASCADE,
    PRIMARY KEY (space, passage)
) STRICT, WITHOUT ROWID;
CREATE INDEX knowledge_unembedded_passage ON knowledge_unembedded (passage);
