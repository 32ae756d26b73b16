-- What is known of the files of a workspace. `content` holds a file as it was read, with
-- its definitions and imports as JSON and its chunks as numbers of four bytes; what is
-- asked for by name has tables of its own. The words of a chunk are in `term` under its
-- file's id and its own number there (`numbers`, in the order of `chunks`); nothing but
-- their rows is kept: deleting from a table without content takes the deleted text, which
-- `content` still has.
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, module TEXT NOT NULL,
    language TEXT NOT NULL, package TEXT NOT NULL, is_complete INTEGER NOT NULL,
    n_definitions INTEGER NOT NULL, n_chunks INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS file_module ON file (module);
CREATE INDEX IF NOT EXISTS file_package ON file (package) WHERE package <> '';
CREATE TABLE IF NOT EXISTS content (
    file_id INTEGER PRIMARY KEY, numbers BLOB NOT NULL, chunks BLOB NOT NULL,
    imports TEXT NOT NULL, definitions TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS name (
    name TEXT NOT NULL, file_id INTEGER NOT NULL, is_member INTEGER NOT NULL,
    PRIMARY KEY (name, file_id)
) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS term USING fts5 (
    text, parts, content = '', detail = none, columnsize = 0,
    tokenize = "ascii tokenchars '_'"
);
