-- The tree over the log's leaves, as documented in infra/event_log/LEAF.md, and its signed heads.
--
-- Only full tiles are stored, and nothing that is stored ever changes: a tile of level 0 holds the hashes of 256
-- leaves, one of level 1 the roots of 256 tiles of level 0, and so on. What stands behind the last full tile is
-- read from the log. Nobody hands a hash in: the tiles are made here, from what the log says.

CREATE TABLE log.tree (
    shard integer NOT NULL,
    level smallint NOT NULL,
    tile bigint NOT NULL,
    root bytea NOT NULL CHECK (length(root) = 32),
    hashes bytea NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (shard, level, tile)
);
ALTER TABLE log.tree ALTER COLUMN hashes SET STORAGE EXTERNAL; -- hashes cannot be compressed
COMMENT ON TABLE log.tree IS 'Full tiles of the Merkle tree of a shard. Leaf index = position - 1.';

CREATE TABLE log.tree_head (
    shard integer NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    root bytea NOT NULL CHECK (length(root) = 32),
    verifier text NOT NULL,
    note text NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, size, verifier)
);
COMMENT ON TABLE log.tree_head IS 'Every checkpoint that was ever signed, with the key that verifies it.';

CREATE TABLE log.tree_origin (
    shard integer PRIMARY KEY,
    origin text NOT NULL
);
COMMENT ON TABLE log.tree_origin IS 'What a shard''s log is called in checkpoints: the first line, and the name of the key.';
INSERT INTO log.tree_origin VALUES (0, 'tarikh/' || left(replace(gen_random_uuid()::text, '-', ''), 12) || '/shard/0');

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.tree
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.tree_head
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.tree_origin
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();

-- The root of a full tile: pairs are hashed until one hash is left.
CREATE FUNCTION log.tile_root(hashes bytea) RETURNS bytea LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    WHILE length(hashes) > 32 LOOP
        hashes := (
            SELECT string_agg(sha256('\x01'::bytea || substr(hashes, pair * 64 + 1, 64)), ''::bytea ORDER BY pair)
            FROM generate_series(0, length(hashes) / 64 - 1) AS pair
        );
    END LOOP;
    RETURN hashes;
END
$$;

-- The hashes of a tile, as many as there are so far, made from what stands below it.
CREATE FUNCTION log.tile_below(p_shard integer, p_level integer, p_tile bigint) RETURNS bytea
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    IF p_level = 0 THEN
        RETURN (
            SELECT string_agg(leaf_hash, ''::bytea ORDER BY notification_id)
            FROM log.event
            WHERE shard = p_shard AND notification_id BETWEEN p_tile * 256 + 1 AND p_tile * 256 + 256
        );
    END IF;
    RETURN (
        SELECT string_agg(root, ''::bytea ORDER BY tile)
        FROM log.tree
        WHERE shard = p_shard AND level = p_level - 1 AND tile BETWEEN p_tile * 256 AND p_tile * 256 + 255
    );
END
$$;

-- The hashes of a tile, stored or not; empty where there is none yet.
CREATE FUNCTION log.tile(p_shard integer, p_level integer, p_tile bigint) RETURNS bytea
LANGUAGE plpgsql STABLE SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
BEGIN
    RETURN coalesce(
        (SELECT hashes FROM log.tree WHERE shard = p_shard AND level = p_level AND tile = p_tile),
        log.tile_below(p_shard, p_level, p_tile),
        ''::bytea
    );
END
$$;

-- Store the tiles that have become full, at most so many of each level; how many were stored. Any number of callers
-- may do so at once, and be killed: a tile is made of nothing but what was stored before.
CREATE FUNCTION log.grow(p_shard integer, p_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_full bigint;
    v_first bigint;
    v_stored bigint;
    v_all bigint := 0;
BEGIN
    SELECT position / 256 INTO STRICT v_full FROM log.head WHERE shard = p_shard;
    FOR v_level IN 0..6 LOOP
        EXIT WHEN v_full = 0;
        v_first := coalesce(
            (SELECT tile + 1 FROM log.tree WHERE shard = p_shard AND level = v_level ORDER BY tile DESC LIMIT 1), 0);
        INSERT INTO log.tree (shard, level, tile, root, hashes)
        SELECT p_shard, v_level, tile, log.tile_root(hashes), hashes
        FROM (
            SELECT tile, log.tile_below(p_shard, v_level, tile) AS hashes
            FROM generate_series(v_first, least(v_full, v_first + p_most) - 1) AS tile
            OFFSET 0 -- or each hash is computed twice
        ) AS t
        ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS v_stored = ROW_COUNT;
        v_all := v_all + v_stored;
        v_full := least(v_full, v_first + p_most) / 256;
    END LOOP;
    RETURN v_all;
END
$$;
COMMENT ON FUNCTION log.grow IS 'The tree''s only way to grow.';

-- Keep a signed head, unless another one was kept since the one (p_after, or NULL) that it was proven to agree with.
CREATE FUNCTION log.keep_head(
    p_shard integer, p_after bigint, p_size bigint, p_root bytea, p_verifier text, p_note text
) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7413, p_shard);
    IF (SELECT max(size) FROM log.tree_head WHERE shard = p_shard) IS DISTINCT FROM p_after OR p_size < p_after THEN
        RETURN false;
    END IF;
    INSERT INTO log.tree_head (shard, size, root, verifier, note)
    VALUES (p_shard, p_size, p_root, p_verifier, p_note)
    ON CONFLICT DO NOTHING;
    RETURN true;
END
$$;
COMMENT ON FUNCTION log.keep_head IS 'The heads'' only way in.';

REVOKE ALL ON FUNCTION log.tile_root, log.tile_below, log.tile, log.grow, log.keep_head FROM PUBLIC;
GRANT SELECT ON log.tree, log.tree_head, log.tree_origin TO tarikh_app, tarikh_projector;
GRANT EXECUTE ON FUNCTION log.tile_below, log.tile, log.grow, log.keep_head TO tarikh_app, tarikh_projector;
