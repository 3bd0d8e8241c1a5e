-- name: derive
INSERT OR REPLACE INTO derived (name, seq, hash, data)
SELECT :name, seq, hash, :data FROM journal WHERE seq = :seq

-- name: derived
SELECT seq, data FROM derived JOIN journal USING (seq, hash) WHERE name = :name

-- name: behind
SELECT coalesce((SELECT max(seq) FROM journal), 0)
  - coalesce((SELECT seq FROM derived JOIN journal USING (seq, hash) WHERE name = :name), 0)

-- name: underive
DELETE FROM derived
