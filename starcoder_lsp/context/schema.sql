-- What is known of the files of a workspace. Terms stand once per chunk, so nothing but
-- their rows is kept: deleting from a table without content takes the deleted terms, which
-- are computed again from the chunk's text.
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, module TEXT NOT NULL,
    language TEXT NOT NULL, package TEXT NOT NULL, is_complete INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS file_module ON file (module);
CREATE INDEX IF NOT EXISTS file_package ON file (package) WHERE package <> '';
CREATE TABLE IF NOT EXISTS definition (
    file_id INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    name TEXT NOT NULL, kind TEXT NOT NULL,
    first_line INTEGER NOT NULL, last_line INTEGER NOT NULL,
    body_line INTEGER NOT NULL, signature TEXT NOT NULL, doc TEXT NOT NULL,
    container TEXT NOT NULL, is_exported INTEGER NOT NULL,
    PRIMARY KEY (file_id, ordinal)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS definition_name ON definition (name);
CREATE TABLE IF NOT EXISTS import (
    file_id INTEGER NOT NULL, ordinal INTEGER NOT NULL,
    module TEXT NOT NULL, line INTEGER NOT NULL, names TEXT NOT NULL,
    aliases TEXT NOT NULL, PRIMARY KEY (file_id, ordinal)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chunk (
    id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL,
    first_line INTEGER NOT NULL, last_line INTEGER NOT NULL,
    n_terms INTEGER NOT NULL, text TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS chunk_file ON chunk (file_id);
CREATE VIRTUAL TABLE IF NOT EXISTS term USING fts5 (
    words, content = '', detail = none, columnsize = 0,
    tokenize = "ascii tokenchars '_'"
);
