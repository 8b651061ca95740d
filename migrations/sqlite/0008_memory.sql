-- The index over words. rowid: 64 times the item's id plus a class of its length (memory_index.hpp), so that ranking looks nothing up.
CREATE VIRTUAL TABLE memory_fts USING fts5(text, keys, columnsize = 0, tokenize = 'unicode61 remove_diacritics 2');
INSERT INTO memory_fts (rowid, text, keys)
SELECT id * 64, content, 'a' || lower(hex(agent_id)) || ' s' || lower(hex(scope)) || ' k' || lower(hex(kind))
FROM memory_items;
