-- name: last_entry
SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1

-- name: add_entry
INSERT INTO journal (seq, case_id, at, who, what, payload, previous, hash)
VALUES (:seq, :case_id, :at, :who, :what, :payload, :previous, :hash)

-- name: entries
SELECT * FROM journal WHERE seq > :after ORDER BY seq LIMIT :limit

-- name: entries_of_case
SELECT * FROM journal WHERE case_id = :case_id AND seq > :after ORDER BY seq LIMIT :limit

-- name: ratings_since
SELECT count(*) FROM journal WHERE what = 'rated' AND who = :who AND at >= :since

-- name: key
SELECT value FROM case_keys WHERE name = 'cluster'

-- name: cases_of_journal
SELECT DISTINCT case_id FROM journal WHERE case_id > :after ORDER BY case_id LIMIT :limit

-- What is cut off its end shows by the cases that knew of it.
-- name: missing_entries
SELECT max(
  (SELECT coalesce(max(seq), 0) FROM journal), (SELECT coalesce(max(seq), 0) FROM investigations)
) - (SELECT count(*) FROM journal)
