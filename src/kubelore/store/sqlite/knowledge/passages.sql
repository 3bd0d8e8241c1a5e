-- name: passage_by_hash
SELECT id FROM knowledge_passages WHERE hash = :hash

-- name: owners
SELECT p.hash, min(e.seq), s.name AS source, d.name AS document
FROM knowledge_passages p
JOIN knowledge_entries e ON e.passage = p.id
JOIN knowledge_documents d ON d.id = e.document
JOIN knowledge_sources s ON s.id = d.source
WHERE p.hash IN (SELECT value FROM json_each(:hashes))
GROUP BY p.id

-- name: passage_ids
SELECT hash, id FROM knowledge_passages WHERE hash IN (SELECT value FROM json_each(:hashes))

-- name: take_free
DELETE FROM knowledge_free WHERE passage = (SELECT min(passage) FROM knowledge_free) RETURNING passage

-- name: put_passage
INSERT INTO knowledge_passages (id, hash, title, content) VALUES (:id, :hash, :title, :content) RETURNING id

-- name: put_terms
INSERT OR REPLACE INTO knowledge_terms (passage, title, content, tags)
VALUES (:passage, :title, :content, :tags)

-- name: index_terms
INSERT INTO knowledge_fts (rowid, title, content, tags)
SELECT passage, title, content, tags FROM knowledge_terms WHERE passage = :passage

-- name: unindex_terms
INSERT INTO knowledge_fts (knowledge_fts, rowid, title, content, tags)
SELECT 'delete', passage, title, content, tags FROM knowledge_terms WHERE passage = :passage

-- name: put_near
INSERT OR IGNORE INTO knowledge_near (key, passage) VALUES (:key, :passage)

-- name: alike
WITH sharing AS (
    SELECT passage, json_group_array(key) AS keys, count(*) AS shared
    FROM knowledge_near WHERE key IN (SELECT value FROM json_each(:keys))
    GROUP BY passage ORDER BY shared DESC, passage LIMIT 64
)
SELECT p.hash, p.title, p.content, s.keys
FROM sharing s JOIN knowledge_passages p ON p.id = s.passage
ORDER BY s.shared DESC, s.passage

-- name: orphans
SELECT p.id FROM knowledge_passages p
WHERE p.id IN (SELECT value FROM json_each(:passages))
  AND NOT EXISTS (SELECT 1 FROM knowledge_entries e WHERE e.passage = p.id)

-- name: delete_passage
DELETE FROM knowledge_passages WHERE id = :passage

-- name: free_passage
INSERT INTO knowledge_free (passage) VALUES (:passage)

-- name: texts
SELECT p.hash, p.title, p.content,
       coalesce((SELECT e.tags FROM knowledge_entries e WHERE e.passage = p.id ORDER BY e.seq LIMIT 1), '[]')
       AS tags
FROM knowledge_passages p
WHERE p.hash > :after ORDER BY p.hash LIMIT :limit

-- name: setting
SELECT value FROM knowledge_settings WHERE name = :name

-- name: put_setting
INSERT INTO knowledge_settings (name, value) VALUES (:name, :value)
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: counts
SELECT (SELECT count(*) FROM knowledge_documents) AS documents,
       (SELECT count(*) FROM knowledge_entries) AS entries,
       (SELECT count(*) FROM knowledge_passages) AS passages

-- name: types
SELECT type, count(*) AS entries FROM knowledge_entries GROUP BY type ORDER BY type
