-- name: schema
CREATE TABLE question (id INTEGER PRIMARY KEY, place INTEGER NOT NULL, accepted INTEGER);
-- name: schema_of_answers
CREATE TABLE answer (question INTEGER NOT NULL, score INTEGER NOT NULL, id INTEGER NOT NULL, place INTEGER NOT NULL);
-- name: add_question
INSERT OR REPLACE INTO question VALUES (?, ?, ?);
-- name: add_answer
INSERT INTO answer VALUES (?, ?, ?, ?);
-- name: index_answers
CREATE INDEX answers ON answer (question, score, id DESC, place);
-- name: count
SELECT count(*) FROM question;
-- name: best
-- The accepted answer, else the one with the highest score, the older of two.
SELECT q.id, q.place, coalesce(
    (SELECT a.place FROM answer a WHERE a.question = q.id AND a.id = q.accepted),
    (SELECT a.place FROM answer a WHERE a.question = q.id ORDER BY a.score DESC, a.id LIMIT 1)
)
FROM question q WHERE q.id > ? ORDER BY q.id LIMIT 500;
