-- name: case
SELECT * FROM investigations WHERE id = :id

-- name: put_case
INSERT INTO investigations (
  id, seq, timestamp, namespace, status, state, why, decider, model, cluster, root_cause, object, probability,
  confidence, tokens_in, tokens_out, calls, seconds, source, user_rating, confirmed, confirmed_cause,
  confirmed_object, misled, verdict, fingerprint, merged_into, count, credit, query, user_feedback, error,
  credits, lesson, tools, signs, facts, cluster_context, hashes, lessons, diagnosis, steps_json
) VALUES (
  :id, :seq, :timestamp, :namespace, :status, :state, :why, :decider, :model, :cluster, :root_cause, :object,
  :probability, :confidence, :tokens_in, :tokens_out, :calls, :seconds, :source, :user_rating, :confirmed,
  :confirmed_cause, :confirmed_object, :misled, :verdict, :fingerprint, :merged_into, :count, :credit, :query,
  :user_feedback, :error, :credits, :lesson, :tools, :signs, :facts, :cluster_context, :hashes, :lessons,
  :diagnosis, :steps_json
)
ON CONFLICT (id) DO UPDATE SET
  seq = excluded.seq, timestamp = excluded.timestamp, namespace = excluded.namespace,
  status = excluded.status, state = excluded.state, why = excluded.why, decider = excluded.decider,
  model = excluded.model, cluster = excluded.cluster, root_cause = excluded.root_cause,
  object = excluded.object, probability = excluded.probability, confidence = excluded.confidence,
  tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out, calls = excluded.calls,
  seconds = excluded.seconds, source = excluded.source, user_rating = excluded.user_rating,
  confirmed = excluded.confirmed, confirmed_cause = excluded.confirmed_cause,
  confirmed_object = excluded.confirmed_object, misled = excluded.misled, verdict = excluded.verdict,
  fingerprint = excluded.fingerprint, merged_into = excluded.merged_into, count = excluded.count,
  credit = excluded.credit, query = excluded.query, user_feedback = excluded.user_feedback,
  error = excluded.error, credits = excluded.credits, lesson = excluded.lesson, tools = excluded.tools,
  signs = excluded.signs, facts = excluded.facts, cluster_context = excluded.cluster_context,
  hashes = excluded.hashes, lessons = excluded.lessons, diagnosis = excluded.diagnosis,
  steps_json = excluded.steps_json

-- Most of what is written is one more step: other columns, and their indexes, are left alone.
-- name: put_steps
UPDATE investigations SET seq = :seq, lessons = :lessons, steps_json = :steps_json WHERE id = :id

-- part: words
(rowid, query, cause, object, explanation, facts, user_feedback)
SELECT number, query, cause, object || ' ' || confirmed_object, json_extract(diagnosis, '$.explanation'), facts,
  user_feedback
FROM investigations

-- name: put_text
INSERT OR REPLACE INTO investigations_text {words} WHERE id = :id

-- name: drop_all_text
DELETE FROM investigations_text

-- name: put_all_text
INSERT INTO investigations_text {words}

-- name: put_embedding
UPDATE investigations SET embedder = :embedder, query_embedding = :vector WHERE id = :id

-- name: ids
SELECT id FROM investigations WHERE id >= :prefix AND id < :prefix || char(1114111)
ORDER BY timestamp DESC, id DESC LIMIT :limit

-- name: cases
SELECT investigations.* FROM investigations
JOIN (
  SELECT number FROM investigations
  WHERE timestamp >= :since AND timestamp < :before
    AND (timestamp, id) < (:after_time, :after_id)
    AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
    AND (:cause = '' OR cause = :cause)
    AND (:namespace = '' OR namespace = :namespace)
    AND (:cluster = '' OR cluster = :cluster)
    AND (:source IS NULL OR source = :source)
  ORDER BY timestamp DESC, id DESC LIMIT :limit
) USING (number)
ORDER BY timestamp DESC, id DESC

-- The filters are looked up in an index before any row is read.
-- name: having_all_words
SELECT * FROM investigations
WHERE number IN (
  SELECT rowid FROM investigations_text WHERE investigations_text MATCH :words AND (
    :everywhere OR rowid IN (
      SELECT number FROM investigations
      WHERE timestamp >= :since AND timestamp < :before
        AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
        AND (:cause = '' OR cause = :cause)
        AND (:namespace = '' OR namespace = :namespace)
        AND (:cluster = '' OR cluster = :cluster)
        AND (:source IS NULL OR source = :source)
    )
  )
  ORDER BY rowid DESC LIMIT :limit
)
ORDER BY number DESC

-- Of very many the newest are ranked.
-- name: having_some_words
SELECT investigations.* FROM investigations
JOIN (
  SELECT rowid AS number, bm25(investigations_text) AS fit FROM investigations_text
  WHERE investigations_text MATCH :words AND (
    :everywhere OR rowid IN (
      SELECT number FROM investigations
      WHERE timestamp >= :since AND timestamp < :before
        AND (:states = '[]' OR state IN (SELECT value FROM json_each(:states)))
        AND (:cause = '' OR cause = :cause)
        AND (:namespace = '' OR namespace = :namespace)
        AND (:cluster = '' OR cluster = :cluster)
        AND (:source IS NULL OR source = :source)
    )
  )
  ORDER BY rowid DESC LIMIT :ranked
) USING (number)
ORDER BY fit, number DESC LIMIT :limit

-- name: head
SELECT * FROM investigations
WHERE fingerprint = :fingerprint AND fingerprint <> '' AND state = 'trusted' AND merged_into = ''
ORDER BY timestamp, id LIMIT 1

-- name: merged
SELECT * FROM investigations
WHERE merged_into = :into AND merged_into <> '' ORDER BY timestamp, id

-- part: taught_columns
investigations.id, coalesce(nullif(confirmed_cause, ''), root_cause), coalesce(nullif(confirmed_object, ''), object), signs,
  state, confirmed, misled, tools, source, cluster, count, credit, lesson, timestamp, merged_into

-- name: teaching
SELECT {taught_columns}
FROM investigations INDEXED BY investigations_teaching
WHERE state = 'trusted' AND merged_into = '' ORDER BY timestamp, id

-- name: changed
SELECT {taught_columns}
FROM investigations
WHERE seq > :after ORDER BY seq

-- name: taught
SELECT {taught_columns}
FROM json_each(:ids) CROSS JOIN investigations ON investigations.id = json_each.value
WHERE state = 'trusted' AND merged_into = ''

-- name: outlived
WITH gone AS (
  SELECT cluster FROM investigations WHERE source = '' GROUP BY cluster HAVING max(timestamp) < :unseen
)
SELECT id FROM investigations INDEXED BY investigations_teaching
WHERE state = 'trusted' AND merged_into = '' AND credit <= 0 AND timestamp < max(:before, :unseen)
  AND (timestamp < :before OR (source = '' AND cluster IN (SELECT cluster FROM gone)))
  AND NOT EXISTS (SELECT 1 FROM journal WHERE case_id = investigations.id AND what = 'undone')
ORDER BY timestamp, id LIMIT :limit

-- name: credits
SELECT key AS lesson, sum(value > 0) AS helped, sum(value < 0) AS harmed
FROM investigations, json_each(investigations.credits)
WHERE credits <> '{}' GROUP BY key ORDER BY key

-- name: counts
SELECT state, status, source, decider, user_rating, cause, confidence, verdict, count(*) AS cases
FROM investigations
GROUP BY state, status, source, decider, user_rating, cause, confidence, verdict
