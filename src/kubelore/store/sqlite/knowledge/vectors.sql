-- name: spaces
SELECT id, embedder, dimension, searched FROM knowledge_spaces ORDER BY searched DESC

-- name: count_unembedded
SELECT count(*) FROM knowledge_unembedded WHERE space = :space

-- name: add_space
INSERT INTO knowledge_spaces (embedder, dimension, searched)
VALUES (:embedder, :dimension, :searched) RETURNING id

-- name: drop_next_space
DELETE FROM knowledge_spaces WHERE searched = 0

-- name: next_is_complete
SELECT s.id FROM knowledge_spaces s
WHERE s.searched = 0 AND NOT EXISTS (SELECT 1 FROM knowledge_unembedded u WHERE u.space = s.id)

-- name: drop_searched_space
DELETE FROM knowledge_spaces WHERE searched = 1

-- name: search_space
UPDATE knowledge_spaces SET searched = 1 WHERE id = :space

-- name: miss_all
INSERT INTO knowledge_unembedded (space, passage) SELECT :space, id FROM knowledge_passages

-- name: miss
INSERT OR IGNORE INTO knowledge_unembedded (space, passage) VALUES (:space, :passage)

-- name: miss_block
INSERT OR IGNORE INTO knowledge_unembedded (space, passage)
SELECT :space, id FROM knowledge_passages WHERE id BETWEEN :first AND :last

-- name: embedded
DELETE FROM knowledge_unembedded WHERE space = :space AND passage = :passage

-- name: unembedded
SELECT p.hash, p.title, p.content,
       coalesce((SELECT e.tags FROM knowledge_entries e WHERE e.passage = p.id ORDER BY e.seq LIMIT 1), '[]')
       AS tags
FROM knowledge_unembedded u JOIN knowledge_passages p ON p.id = u.passage
WHERE u.space = :space ORDER BY u.passage LIMIT :limit

-- name: block_id
SELECT id FROM knowledge_vectors WHERE space = :space AND block = :block

-- name: add_block
INSERT INTO knowledge_vectors (space, block, vectors) VALUES (:space, :block, zeroblob(:bytes)) RETURNING id

-- name: drop_empty_block
DELETE FROM knowledge_vectors
WHERE block = :block AND NOT EXISTS (SELECT 1 FROM knowledge_passages WHERE id BETWEEN :first AND :last)

-- name: blocks
SELECT block, vectors FROM knowledge_vectors WHERE space = :space ORDER BY block

-- name: block_numbers
SELECT block FROM knowledge_vectors WHERE space = :space ORDER BY block

-- name: block
SELECT vectors FROM knowledge_vectors WHERE space = :space AND block = :block

-- name: drop_block
DELETE FROM knowledge_vectors WHERE space = :space AND block = :block
