-- name: add_observation
INSERT OR IGNORE INTO observations (case_id, step, data) VALUES (:case_id, :step, :data)

-- name: add_evidence
INSERT OR IGNORE INTO evidence (case_id, data) VALUES (:case_id, :data)

-- name: bodies
SELECT 0 AS step, data FROM evidence WHERE case_id = :case_id
UNION ALL
SELECT step, data FROM observations WHERE case_id = :case_id
ORDER BY step

-- name: kept
SELECT bodies, bytes FROM kept

-- name: oldest_observed
SELECT case_id, timestamp FROM observations JOIN investigations ON id = case_id
ORDER BY observations.number LIMIT 1

-- name: drop_observations
DELETE FROM observations WHERE case_id = :case_id

-- name: retired_observed
SELECT id FROM investigations
WHERE state = 'retired' AND timestamp < :before
  AND EXISTS (SELECT 1 FROM observations WHERE case_id = investigations.id)

-- name: recount
UPDATE kept SET (bodies, bytes) = (SELECT count(*), coalesce(sum(length(data)), 0) FROM observations)
