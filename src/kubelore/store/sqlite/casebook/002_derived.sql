-- What was made of the cases to be quick, and can be made again. It holds for the journal up to one entry.
CREATE TABLE derived (
  name TEXT PRIMARY KEY,
  seq  INTEGER NOT NULL,
  hash TEXT NOT NULL,
  data BLOB NOT NULL
) STRICT;
