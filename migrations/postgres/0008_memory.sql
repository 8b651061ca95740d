-- Ids that came from the old table are behind it.
SELECT setval(pg_get_serial_sequence('memory_items', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM memory_items), false);

-- The index over words. rowid: 64 times the item's id plus a class of its length (memory_index.hpp).
CREATE TABLE memory_fts (
  rowid BIGINT NOT NULL,
  words TSVECTOR NOT NULL,
  keys TSVECTOR NOT NULL,
  PRIMARY KEY (rowid)
);
CREATE INDEX idx_memory_words ON memory_fts USING gin (words, keys);
INSERT INTO memory_fts (rowid, words, keys)
SELECT id * 64, jsonb_to_tsvector('simple', content, '["string", "numeric"]'),
       array_to_tsvector(ARRAY['a' || encode(convert_to(agent_id, 'UTF8'), 'hex'),
                               's' || encode(convert_to(scope, 'UTF8'), 'hex'),
                               'k' || encode(convert_to(kind, 'UTF8'), 'hex')])
FROM memory_items;

-- Functions, because an index of this kind is only read by bitmap scans, which connections otherwise have off, and because
-- plans differ with how common the words are.
-- In how many rows the word stands, counted to `most`; the first and last of these.
CREATE FUNCTION memory_rows_of_word(word VARCHAR, most BIGINT)
RETURNS TABLE (hits BIGINT, lowest BIGINT, highest BIGINT) LANGUAGE plpgsql STABLE
SET enable_bitmapscan = on SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN QUERY SELECT count(*), coalesce(min(q.rowid), 0), coalesce(max(q.rowid), 0)
    FROM (SELECT f.rowid FROM memory_fts f WHERE f.words @@ to_tsquery('simple', word) LIMIT most) q;
END $$;

-- wanted: three lines: what the keys and the words must fit, and the words that score. weights: the number of all rows, then
-- that of each word that scores. Okapi BM25 (k1 1.2, b 0.75) over the newest `most_scored` rows that fit, best first.
CREATE FUNCTION memory_search(wanted VARCHAR, weights VARCHAR, first_row BIGINT, most_scored BIGINT, most BIGINT)
RETURNS TABLE (row_no BIGINT, score DOUBLE PRECISION) LANGUAGE plpgsql STABLE
SET enable_bitmapscan = on SET enable_sort = on SET enable_hashjoin = on SET plan_cache_mode = force_custom_plan AS $$
DECLARE
  keys_wanted tsquery := CAST(split_part(wanted, chr(10), 1) AS tsquery);
  words_wanted tsquery := to_tsquery('simple', split_part(wanted, chr(10), 2));
  scored VARCHAR[] := string_to_array(lower(split_part(wanted, chr(10), 3)), ' ');
  counts DOUBLE PRECISION[] := CAST(string_to_array(weights, ' ') AS DOUBLE PRECISION[]);
  total DOUBLE PRECISION := counts[1];
  average DOUBLE PRECISION;
BEGIN
  SELECT greatest(1, avg(power(CAST(1.125 AS DOUBLE PRECISION), q.rowid % 64))) INTO average
    FROM (SELECT f.rowid FROM memory_fts f ORDER BY f.rowid DESC LIMIT 1000) q;
  RETURN QUERY SELECT c.rowid, coalesce((
      SELECT sum(greatest(1e-6, ln((total - least(total, s.df) + 0.5) / (least(total, s.df) + 0.5))) * 2.2 * w.hits /
                 (w.hits + 1.2 * (0.25 + 0.75 * power(CAST(1.125 AS DOUBLE PRECISION), c.rowid % 64) / average)))
      FROM (SELECT u.lexeme, CAST(coalesce(array_length(u.positions, 1), 1) AS DOUBLE PRECISION) AS hits
            FROM unnest(c.words) u) w
      JOIN unnest(scored, counts[2:]) AS s(word, df) ON s.word = w.lexeme), 0)
    FROM (SELECT f.rowid, f.words FROM memory_fts f
          WHERE f.words @@ words_wanted AND f.keys @@ keys_wanted AND f.rowid >= first_row
          ORDER BY f.rowid DESC LIMIT most_scored) c
    ORDER BY 2 DESC, 1 DESC LIMIT most;
END $$;

-- Rows with the keys, newest first.
CREATE FUNCTION memory_newest(wanted VARCHAR, first_row BIGINT, before_row BIGINT, most BIGINT)
RETURNS TABLE (row_no BIGINT, score DOUBLE PRECISION) LANGUAGE plpgsql STABLE
SET enable_bitmapscan = on SET enable_sort = on SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  RETURN QUERY SELECT f.rowid, CAST(0 AS DOUBLE PRECISION) FROM memory_fts f
    WHERE f.keys @@ CAST(split_part(wanted, chr(10), 1) AS tsquery) AND f.rowid >= first_row AND f.rowid < before_row
    ORDER BY f.rowid DESC LIMIT most;
END $$;
