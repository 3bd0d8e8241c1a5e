-- name: forget_hashes
-- Something of a document may be gone, so each is looked at again when its source is next added.
UPDATE knowledge_documents SET hash = ''

-- name: drop_stray_documents
DELETE FROM knowledge_documents WHERE source NOT IN (SELECT id FROM knowledge_sources)

-- name: drop_stray_entries
DELETE FROM knowledge_entries
WHERE document NOT IN (SELECT id FROM knowledge_documents)
   OR passage NOT IN (SELECT id FROM knowledge_passages)
   OR NOT json_valid(tags)

-- name: drop_all_tags
DELETE FROM knowledge_tags

-- name: tag_again
INSERT OR IGNORE INTO knowledge_tags (tag, entry)
SELECT t.value, e.seq FROM knowledge_entries e, json_each(e.tags) t

-- name: drop_stray_passages
DELETE FROM knowledge_passages WHERE id NOT IN (SELECT passage FROM knowledge_entries)

-- name: drop_stray_terms
DELETE FROM knowledge_terms WHERE passage NOT IN (SELECT id FROM knowledge_passages)

-- name: drop_stray_near
DELETE FROM knowledge_near WHERE passage NOT IN (SELECT id FROM knowledge_passages)

-- name: drop_stray_vectors
DELETE FROM knowledge_vectors WHERE space NOT IN (SELECT id FROM knowledge_spaces)

-- name: drop_all_unembedded
DELETE FROM knowledge_unembedded

-- name: drop_all_free
DELETE FROM knowledge_free

-- name: find_free
WITH RECURSIVE numbers (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < (SELECT max(id) FROM knowledge_passages)
)
INSERT INTO knowledge_free (passage) SELECT n FROM numbers WHERE n NOT IN (SELECT id FROM knowledge_passages)

-- name: forget_analyser
-- Passages without terms are analysed again with all others.
DELETE FROM knowledge_settings
WHERE name = 'analyser' AND EXISTS (
    SELECT 1 FROM knowledge_passages WHERE id NOT IN (SELECT passage FROM knowledge_terms))

-- name: all_passages
SELECT id FROM knowledge_passages ORDER BY id

-- name: everything
SELECT p.title, p.content, p.hash, e.id, e.type, e.tags, e.url, e.licence, e.version, e.time, d.name, d.hash
FROM knowledge_entries e
JOIN knowledge_passages p ON p.id = e.passage
JOIN knowledge_documents d ON d.id = e.document

-- name: odd_entries
SELECT count(*) FROM knowledge_entries WHERE NOT json_valid(tags)

-- name: untermed
SELECT count(*) FROM knowledge_passages WHERE id NOT IN (SELECT passage FROM knowledge_terms)

-- name: ownerless
SELECT count(*) FROM knowledge_passages WHERE id NOT IN (SELECT passage FROM knowledge_entries)

-- name: check_index
INSERT INTO knowledge_fts (knowledge_fts) VALUES ('integrity-check')

-- name: rebuild_index
INSERT INTO knowledge_fts (knowledge_fts) VALUES ('rebuild')
