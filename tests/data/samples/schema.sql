-- All who may log in.
CREATE TABLE users (
    id INTEGER PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    team_id INTEGER REFERENCES teams (id)
);

CREATE UNIQUE INDEX users_name ON users (name);

CREATE VIEW active_users AS
SELECT u.id, u.name FROM users u JOIN sessions s ON s.user_id = u.id;

CREATE TYPE mood AS ENUM ('sad', 'ok');

CREATE FUNCTION user_count() RETURNS integer AS $$
    SELECT count(*) FROM users;
$$ LANGUAGE SQL;

CREATE TABLE IF NOT EXISTS app.teams (
    id INTEGER PRIMARY KEY
);

SELECT * FROM users;
