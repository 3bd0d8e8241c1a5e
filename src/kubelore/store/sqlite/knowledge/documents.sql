-- name: begin_pass
INSERT INTO knowledge_sources (name, pass) VALUES (:source, 1)
ON CONFLICT (name) DO UPDATE SET pass = pass + 1
RETURNING pass

-- name: document_hashes
SELECT d.name, d.hash
FROM knowledge_sources s JOIN knowledge_documents d ON d.source = s.id
WHERE s.name = :source AND d.name IN (SELECT value FROM json_each(:documents))

-- name: keep_documents
UPDATE knowledge_documents SET pass = max(pass, :number)
WHERE source = (SELECT id FROM knowledge_sources WHERE name = :source)
  AND name IN (SELECT value FROM json_each(:documents))

-- name: source_id
SELECT id FROM knowledge_sources WHERE name = :source

-- name: put_document
INSERT INTO knowledge_documents (source, name, hash, pass) VALUES (:source, :name, :hash, :number)
ON CONFLICT (source, name) DO UPDATE SET hash = excluded.hash, pass = max(pass, excluded.pass)
RETURNING id

-- name: documents_of_source
SELECT d.id FROM knowledge_documents d JOIN knowledge_sources s ON s.id = d.source
WHERE s.name = :source LIMIT :limit

-- name: document_of_source
SELECT d.id FROM knowledge_documents d JOIN knowledge_sources s ON s.id = d.source
WHERE s.name = :source AND d.name = :document

-- name: documents_not_in_pass
SELECT d.id FROM knowledge_documents d JOIN knowledge_sources s ON s.id = d.source
WHERE s.name = :source AND d.pass < :number LIMIT :limit

-- name: delete_documents
DELETE FROM knowledge_documents WHERE id IN (SELECT value FROM json_each(:documents))

-- name: end_pass
UPDATE knowledge_sources SET updated = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') WHERE name = :source

-- name: delete_empty_source
-- It stays if another process has put documents into it meanwhile.
DELETE FROM knowledge_sources
WHERE name = :source AND id NOT IN (SELECT source FROM knowledge_documents)

-- name: sources
SELECT s.name, s.updated, count(DISTINCT d.id) AS documents, count(e.seq) AS entries
FROM knowledge_sources s
JOIN knowledge_documents d ON d.source = s.id
LEFT JOIN knowledge_entries e ON e.document = d.id
GROUP BY s.id ORDER BY s.name

-- name: put_entry
-- An id that another document has is left alone: no row then.
INSERT INTO knowledge_entries
    (id, document, position, passage, type, tags, url, licence, version, time)
VALUES (:id, :document, :position, :passage, :type, :tags, :url, :licence, :version, :time)
ON CONFLICT (id) DO UPDATE SET
    position = excluded.position, passage = excluded.passage, type = excluded.type, tags = excluded.tags,
    url = excluded.url, licence = excluded.licence, version = excluded.version, time = excluded.time
WHERE document = excluded.document
RETURNING seq

-- name: entries_of_documents
SELECT seq, passage FROM knowledge_entries WHERE document IN (SELECT value FROM json_each(:documents))

-- name: entry_by_id
SELECT seq, passage FROM knowledge_entries WHERE id = :id

-- name: delete_entries
DELETE FROM knowledge_entries WHERE seq IN (SELECT value FROM json_each(:entries))

-- name: delete_tags
DELETE FROM knowledge_tags WHERE entry = :entry

-- name: put_tag
INSERT OR IGNORE INTO knowledge_tags (tag, entry) VALUES (:tag, :entry)

-- name: entries
SELECT e.id, e.type, p.title, p.content, e.tags, s.name AS source, d.name AS document, e.position, e.url,
       e.licence, p.hash, e.version, e.time
FROM knowledge_entries e
JOIN knowledge_passages p ON p.id = e.passage
JOIN knowledge_documents d ON d.id = e.document
JOIN knowledge_sources s ON s.id = d.source
WHERE e.id IN (SELECT value FROM json_each(:ids))

-- name: page_start
SELECT s.name AS source, d.name AS document, e.position, e.id
FROM knowledge_entries e
JOIN knowledge_documents d ON d.id = e.document
JOIN knowledge_sources s ON s.id = d.source
WHERE e.id = :after

-- name: page
-- In the order of the joins, so that nothing but the last term is sorted; what the second condition says is
-- in the first, but it skips documents before their entries are read.
SELECT e.id, e.type, p.title, p.content, e.tags, s.name AS source, d.name AS document, e.position, e.url,
       e.licence, p.hash, e.version, e.time
FROM knowledge_sources s
CROSS JOIN knowledge_documents d ON d.source = s.id
CROSS JOIN knowledge_entries e ON e.document = d.id
CROSS JOIN knowledge_passages p ON p.id = e.passage
WHERE (s.name, d.name, e.position, e.id) > (:source, :document, :position, :id)
  AND s.name >= :source AND (s.name, d.name) >= (:source, :document) AND {passes}
ORDER BY s.name, d.name, e.position, e.id
LIMIT :limit
