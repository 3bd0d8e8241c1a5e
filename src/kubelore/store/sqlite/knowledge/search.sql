-- part: passes
-- Whether the filter lets the entry `e` through.
(:types IS NULL OR e.type IN (SELECT value FROM json_each(:types)))
AND (:sources IS NULL OR e.document IN (
    SELECT d.id FROM knowledge_documents d JOIN knowledge_sources s ON s.id = d.source
    WHERE s.name IN (SELECT value FROM json_each(:sources))))
AND (:any_tag IS NULL OR EXISTS (
    SELECT 1 FROM knowledge_tags t
    WHERE t.entry = e.seq AND t.tag IN (SELECT value FROM json_each(:any_tag))))

-- name: match
-- bm25 is the lower, the better; it takes long, so that no more than :most are scored.
SELECT passage, score FROM (
    SELECT rowid AS passage, -bm25(knowledge_fts, :title, :content, :tags) AS score
    FROM knowledge_fts WHERE knowledge_fts MATCH :match LIMIT :most)
ORDER BY score DESC, passage LIMIT :limit

-- name: match_among
-- The plus keeps SQLite from asking the index once for each of these passages.
SELECT rowid AS passage, -bm25(knowledge_fts, :title, :content, :tags) AS score
FROM knowledge_fts WHERE knowledge_fts MATCH :match AND +rowid IN (SELECT value FROM json_each(:passages))
ORDER BY score DESC, rowid LIMIT :limit

-- name: match_filtered
SELECT passage, score FROM (
    SELECT f.rowid AS passage, -bm25(knowledge_fts, :title, :content, :tags) AS score
    FROM knowledge_fts f WHERE knowledge_fts MATCH :match
        AND EXISTS (SELECT 1 FROM knowledge_entries e WHERE e.passage = f.rowid AND {passes})
    LIMIT :most)
ORDER BY score DESC, passage LIMIT :limit

-- name: first_entries
-- For each passage the first of its entries that the filter lets through, if there is one.
SELECT e.id, e.type, p.title, p.content, e.tags, s.name AS source, d.name AS document, e.position, e.url,
       e.licence, p.hash, e.version, e.time, e.passage
FROM json_each(:passages) wanted
JOIN knowledge_entries e ON e.seq = (
    SELECT min(e.seq) FROM knowledge_entries e WHERE e.passage = wanted.value AND {passes})
JOIN knowledge_passages p ON p.id = e.passage
JOIN knowledge_documents d ON d.id = e.document
JOIN knowledge_sources s ON s.id = d.source

-- name: let_through_of
-- One string, because a row for each of many passages takes far longer; so below.
SELECT group_concat(wanted.value) FROM json_each(:passages) wanted
WHERE EXISTS (SELECT 1 FROM knowledge_entries e WHERE e.passage = wanted.value AND {passes})

-- name: let_through
SELECT group_concat(passage) FROM (
    SELECT e.passage FROM knowledge_entries e WHERE {passes} LIMIT :limit)

-- name: let_through_types
SELECT group_concat(passage) FROM (
    SELECT e.passage FROM knowledge_entries e
    WHERE e.type IN (SELECT value FROM json_each(:types)) AND {passes} LIMIT :limit)

-- name: let_through_tags
SELECT group_concat(passage) FROM (
    SELECT e.passage FROM knowledge_tags t JOIN knowledge_entries e ON e.seq = t.entry
    WHERE t.tag IN (SELECT value FROM json_each(:any_tag)) AND {passes} LIMIT :limit)

-- name: last_passage
SELECT coalesce(max(id), 0) FROM knowledge_passages

-- name: passages
-- Every number up to the last is taken or free.
SELECT last - (SELECT count(*) FROM knowledge_free WHERE passage <= last)
FROM (SELECT coalesce(max(id), 0) AS last FROM knowledge_passages)

-- name: frequencies
SELECT value AS word, coalesce(
    (SELECT passages FROM knowledge_common WHERE word = value),
    (SELECT doc FROM knowledge_vocabulary WHERE term = value), 0) AS passages
FROM json_each(:words)

-- name: terms
SELECT p.hash, t.title, t.content, t.tags
FROM json_each(:hashes) wanted
JOIN knowledge_passages p ON p.hash = wanted.value
JOIN knowledge_terms t ON t.passage = p.id

-- name: count_common
SELECT term AS word, doc AS passages FROM knowledge_vocabulary WHERE doc > :more_than

-- name: forget_common
DELETE FROM knowledge_common

-- name: put_common
INSERT INTO knowledge_common (word, passages) VALUES (:word, :passages)
