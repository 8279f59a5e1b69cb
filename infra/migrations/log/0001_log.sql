-- The log of events: one table, one way in, no way to change what is there.

CREATE SCHEMA log;

CREATE TABLE log.event (
    shard integer NOT NULL DEFAULT 0,
    schema smallint NOT NULL DEFAULT 1,
    originator_id uuid NOT NULL,
    originator_version bigint NOT NULL,
    notification_id bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    subject_id uuid,
    actor_id uuid,
    key_id uuid,
    topic text NOT NULL,
    state bytea NOT NULL,
    meta bytea,
    request_id bytea,
    leaf_hash bytea NOT NULL,
    PRIMARY KEY (shard, originator_id, originator_version),
    UNIQUE (shard, notification_id)
);
COMMENT ON TABLE log.event IS 'Every event, for ever. notification_id is its position: dense and in commit order.';

CREATE INDEX event_subject ON log.event (shard, subject_id, notification_id) WHERE subject_id IS NOT NULL;
CREATE UNIQUE INDEX event_request ON log.event (shard, request_id) WHERE request_id IS NOT NULL;

CREATE TABLE log.head (
    shard integer PRIMARY KEY,
    position bigint NOT NULL,
    recorded_at timestamptz NOT NULL
);
INSERT INTO log.head VALUES (0, 0, 'epoch');

CREATE TABLE log.claim (
    shard integer NOT NULL,
    digest bytea NOT NULL,
    owner_id uuid NOT NULL,
    PRIMARY KEY (shard, digest)
);
CREATE INDEX claim_owner ON log.claim (shard, owner_id);
COMMENT ON TABLE log.claim IS 'Keyed digests that only one stream may hold: patient number, phone, national id.';

CREATE TABLE log.refused (
    shard integer NOT NULL,
    request_id bytea NOT NULL,
    digest bytea NOT NULL,
    refused_at timestamptz NOT NULL,
    PRIMARY KEY (shard, request_id, digest)
);
COMMENT ON TABLE log.refused IS 'What lost a claim a moment ago stays lost, though the claim is free again meanwhile.';

CREATE TABLE log.erased (
    shard integer NOT NULL,
    subject_id uuid NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (shard, subject_id)
);
COMMENT ON TABLE log.erased IS 'Subjects that are refused from then on.';

CREATE FUNCTION log.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on log.% is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.event
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON log.erased
    FOR EACH STATEMENT EXECUTE FUNCTION log.refuse();

-- The hash of a leaf, as documented in infra/event_log/LEAF.md: SHA-256(0x00 || 0x01 || fields in this order),
-- each field its length in four bytes and then its bytes; absent is length -1.
-- STABLE, because convert_to is: a function that promises more than it calls is not inlined, and costs 3 times as much.
CREATE FUNCTION log.leaf_hash(
    shard integer, "position" bigint, stream uuid, version bigint, topic text, schema smallint,
    recorded_us bigint, subject uuid, actor uuid, key uuid, state bytea, meta bytea, request bytea
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(
        '\x000100000004'::bytea || int4send(shard)
        || '\x00000008'::bytea || int8send("position")
        || '\x00000010'::bytea || uuid_send(stream)
        || '\x00000008'::bytea || int8send(version)
        || int4send(length(convert_to(topic, 'UTF8'))) || convert_to(topic, 'UTF8')
        || '\x00000002'::bytea || int2send(schema)
        || '\x00000008'::bytea || int8send(recorded_us)
        || coalesce('\x00000010'::bytea || uuid_send(subject), '\xffffffff'::bytea)
        || coalesce('\x00000010'::bytea || uuid_send(actor), '\xffffffff'::bytea)
        || coalesce('\x00000010'::bytea || uuid_send(key), '\xffffffff'::bytea)
        || coalesce(int4send(length(state)) || state, '\xffffffff'::bytea)
        || coalesce(int4send(length(meta)) || meta, '\xffffffff'::bytea)
        || coalesce(int4send(length(request)) || request, '\xffffffff'::bytea)
    )
$$;

-- The one way in, for append and backfill alike. The caller holds nothing and knows nothing but what it decided on.
--
-- Requests are numbered from 1 by their place in r_id; e_, g_ and c_ arrays name their request, e_ in order and
-- at least once for each. What does not fit together so is refused whole (TK004).
-- Each request is stored whole or not at all, for reasons of its own; requests of one call must not depend on
-- one another (one id twice, two that write one stream, a guard on a stream or an event of a subject that an
-- earlier one writes or erases, one digest in two): that is refused whole (TK003).
-- A request releases its claims before it takes any. What it takes must have been free before it.
-- The answer has a row for each request that lost, and where any was stored one row for all of them, of number 0:
-- "position" is that of their first event, the others follow without a gap in the order of the call.
-- outcome: appended | duplicate | erased | version | guard | claim; for a duplicate "position" is the first of its
-- first result; culprit names what lost: a stream, a subject, or the number of the claim.
--
-- Mostly nobody loses. Then the unique keys of the table find that out by themselves: request by request is
-- judged (log.lost) only where something speaks against it, or where the insert has met what is already there.
CREATE FUNCTION log.write(
    p_shard integer, p_clock timestamptz, r_id bytea[], r_recorded_at timestamptz[],
    e_request integer[], e_stream uuid[], e_version bigint[], e_topic text[], e_schema smallint[],
    e_subject uuid[], e_actor uuid[], e_key uuid[], e_state bytea[], e_meta bytea[],
    g_request integer[], g_stream uuid[], g_version bigint[],
    c_request integer[], c_digest bytea[], c_take boolean[], c_owner uuid[]
) RETURNS TABLE (request integer, outcome text, "position" bigint, recorded_at timestamptz, culprit text)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_material = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    v_guarded boolean := cardinality(g_request) > 0;
    v_claims boolean := cardinality(c_request) > 0;
    v_erases boolean := 'patient.erased' = ANY (e_topic);
    v_fits boolean;
    v_first boolean[];
    v_continues boolean;
    v_now timestamptz;
    v_us bigint;
    v_head bigint;
    v_last timestamptz;
    v_judged boolean;
    v_lost integer[] := '{}';
    v_outcome text[];
    v_position bigint[];
    v_culprit text[];
    v_stored bigint;
BEGIN
    SELECT coalesce(bool_and((step IN (0, 1) AND request > 0) IS TRUE), true), array_agg(step = 1 ORDER BY n),
           coalesce(bool_or((version = 1 OR step = 0 AND follows) IS NOT TRUE), false)
    INTO v_fits, v_first, v_continues
    FROM (
        SELECT n, version, request, request - lag(request, 1, 0) OVER w AS step,
               (lag(stream) OVER w, lag(version) OVER w) = (stream, version - 1) AS follows
        FROM unnest(e_request, e_stream, e_version) WITH ORDINALITY AS e(request, stream, version, n)
        WINDOW w AS (ORDER BY n)
    ) AS e;
    IF NOT v_fits
        OR cardinality(r_id) IS DISTINCT FROM coalesce(e_request[cardinality(e_request)], 0)
        OR cardinality(r_recorded_at) <> cardinality(r_id) OR array_position(r_recorded_at, NULL) IS NOT NULL
        OR (cardinality(e_request) = ALL (ARRAY[
            cardinality(e_stream), cardinality(e_version), cardinality(e_topic), cardinality(e_schema),
            cardinality(e_subject), cardinality(e_actor), cardinality(e_key), cardinality(e_state),
            cardinality(e_meta)])) IS FALSE
        OR cardinality(g_request) <> cardinality(g_stream) OR cardinality(g_request) <> cardinality(g_version)
        OR cardinality(c_request) <> cardinality(c_digest) OR cardinality(c_request) <> cardinality(c_take)
        OR cardinality(c_request) <> cardinality(c_owner) OR array_position(c_take, NULL) IS NOT NULL
        OR (v_guarded OR v_claims) AND EXISTS (
            SELECT FROM unnest(g_request || c_request) AS t(request)
            WHERE (request BETWEEN 1 AND cardinality(r_id)) IS NOT TRUE
        )
    THEN
        RAISE EXCEPTION 'the call does not fit together' USING ERRCODE = 'TK004';
    END IF;

    PERFORM pg_advisory_xact_lock(7412, p_shard);
    v_now := clock_timestamp();
    SELECT h.position, h.recorded_at INTO STRICT v_head, v_last FROM log.head AS h WHERE h.shard = p_shard;

    IF r_recorded_at IS NULL THEN
        v_now := greatest(v_now, v_last);
        IF (abs(extract(epoch FROM v_now - p_clock)) <= 60) IS NOT TRUE THEN
            RAISE EXCEPTION 'the clocks stand % apart', v_now - p_clock USING ERRCODE = 'TK001';
        END IF;
        v_us := extract(epoch FROM v_now) * 1000000;
    ELSIF EXISTS (
        SELECT FROM (SELECT at, lag(at, 1, v_last) OVER (ORDER BY n) AS before
                     FROM unnest(r_recorded_at) WITH ORDINALITY AS t(at, n)) AS t
        WHERE at < before OR at > v_now
    ) THEN
        RAISE EXCEPTION 'recorded_at may not run backwards or ahead of the clock' USING ERRCODE = 'TK002';
    END IF;

    v_judged := v_guarded OR v_claims OR v_erases OR EXISTS (
        SELECT FROM log.erased AS x WHERE x.shard = p_shard AND x.subject_id = ANY (e_subject)
    ) OR v_continues AND EXISTS (
        SELECT FROM (
            SELECT stream, version,
                   (lag(request) OVER w, lag(stream) OVER w, lag(version) OVER w)
                       = (request, stream, version - 1) AS follows
            FROM unnest(e_request, e_stream, e_version) WITH ORDINALITY AS e(request, stream, version, n)
            WINDOW w AS (ORDER BY n)
        ) AS e
        WHERE (version = 1 OR follows) IS NOT TRUE AND NOT EXISTS (
            SELECT FROM log.event AS s
            WHERE s.shard = p_shard AND s.originator_id = e.stream AND s.originator_version = e.version - 1)
    );

    LOOP
        IF v_judged THEN
            IF cardinality(r_id) > 1 AND (EXISTS (
                SELECT FROM unnest(r_id) AS r(id) WHERE id IS NOT NULL GROUP BY id HAVING count(*) > 1
            ) OR EXISTS (
                SELECT FROM unnest(e_request, e_stream) AS e(request, stream)
                GROUP BY stream HAVING max(request) > min(request)
            ) OR v_guarded AND EXISTS (
                SELECT FROM unnest(e_request, e_stream) AS e(request, stream)
                JOIN unnest(g_request, g_stream) AS g(request, stream) USING (stream)
                WHERE g.request > e.request
            ) OR v_erases AND EXISTS (
                SELECT FROM unnest(e_request, e_topic, e_subject) AS e(request, topic, subject)
                GROUP BY subject HAVING max(request) > min(request) FILTER (WHERE topic = 'patient.erased')
            )) OR v_claims AND EXISTS (
                SELECT FROM unnest(c_request, c_digest, c_take, c_owner) AS c(request, digest, take, owner)
                GROUP BY digest
                HAVING count(DISTINCT request) > 1 OR count(DISTINCT owner) FILTER (WHERE take) > 1
            ) THEN
                RAISE EXCEPTION 'requests of one call depend on one another' USING ERRCODE = 'TK003';
            END IF;
            SELECT array_agg(l.request), array_agg(l.outcome), array_agg(l.position), array_agg(l.culprit)
            INTO v_lost, v_outcome, v_position, v_culprit
            FROM log.lost(p_shard, r_id, e_request, e_stream, e_version, e_subject, g_request, g_stream, g_version,
                          c_request, c_digest, c_take, c_owner) AS l;
            v_lost := coalesce(v_lost, '{}');
            -- A moved version never comes back, a claim may: a copy of this request that is stuck somewhere on its way
            -- must not be stored after this answer. One so late that the clocks stand apart never is.
            IF 'claim' = ANY (v_outcome) THEN
                DELETE FROM log.refused AS f WHERE f.shard = p_shard AND f.refused_at < v_now - interval '3 minutes';
                INSERT INTO log.refused (shard, request_id, digest, refused_at)
                SELECT p_shard, r_id[l.request], c_digest[l.culprit::integer], v_now
                FROM unnest(v_lost, v_outcome, v_culprit) AS l(request, outcome, culprit)
                WHERE l.outcome = 'claim' AND r_id[l.request] IS NOT NULL
                ON CONFLICT DO NOTHING;
            END IF;
            IF v_lost <> '{}' THEN
                SELECT array_agg(request), array_agg(first), array_agg(stream), array_agg(version), array_agg(topic),
                       array_agg(schema), array_agg(subject), array_agg(actor), array_agg(key), array_agg(state),
                       array_agg(meta)
                INTO e_request, v_first, e_stream, e_version, e_topic, e_schema, e_subject, e_actor, e_key, e_state,
                     e_meta
                FROM unnest(e_request, v_first, e_stream, e_version, e_topic, e_schema, e_subject, e_actor, e_key,
                            e_state, e_meta)
                     AS e(request, first, stream, version, topic, schema, subject, actor, key, state, meta)
                WHERE request <> ALL (v_lost);
            END IF;
        END IF;
        BEGIN
            INSERT INTO log.event (
                shard, schema, originator_id, originator_version, notification_id, recorded_at,
                subject_id, actor_id, key_id, topic, state, meta, request_id, leaf_hash
            )
            SELECT p_shard, e.schema, e.stream, e.version, v_head + e.n, coalesce(r_recorded_at[e.request], v_now),
                   e.subject, e.actor, e.key, e.topic, e.state, e.meta, CASE WHEN e.first THEN r_id[e.request] END,
                   log.leaf_hash(
                       p_shard, v_head + e.n, e.stream, e.version, e.topic, e.schema,
                       coalesce((extract(epoch FROM r_recorded_at[e.request]) * 1000000)::bigint, v_us),
                       e.subject, e.actor, e.key, e.state, e.meta, CASE WHEN e.first THEN r_id[e.request] END)
            FROM unnest(e_request, v_first, e_stream, e_version, e_topic, e_schema, e_subject, e_actor, e_key, e_state,
                        e_meta) WITH ORDINALITY
                 AS e(request, first, stream, version, topic, schema, subject, actor, key, state, meta, n);
            GET DIAGNOSTICS v_stored = ROW_COUNT;
            EXIT;
        EXCEPTION WHEN unique_violation THEN
            IF v_judged THEN
                RAISE;
            END IF;
            v_judged := true;
        END;
    END LOOP;

    IF v_claims THEN
        DELETE FROM log.claim AS k
        USING unnest(c_request, c_digest, c_take, c_owner) AS c(request, digest, take, owner)
        WHERE k.shard = p_shard AND k.digest = c.digest AND k.owner_id = c.owner
          AND NOT c.take AND c.request <> ALL (v_lost);
        INSERT INTO log.claim (shard, digest, owner_id)
        SELECT p_shard, c.digest, c.owner
        FROM unnest(c_request, c_digest, c_take, c_owner) AS c(request, digest, take, owner)
        WHERE c.take AND c.request <> ALL (v_lost)
        ON CONFLICT (shard, digest) DO NOTHING; -- one's own: another's has lost above
    END IF;

    IF v_erases THEN
        INSERT INTO log.erased (shard, subject_id, position)
        SELECT shard, subject_id, notification_id FROM log.event
        WHERE shard = p_shard AND notification_id > v_head AND topic = 'patient.erased';
        DELETE FROM log.claim AS k USING log.erased AS x
        WHERE x.shard = p_shard AND x.position > v_head AND k.shard = p_shard AND k.owner_id = x.subject_id;
    END IF;

    IF v_stored > 0 THEN
        UPDATE log.head AS h
        SET position = v_head + v_stored,
            recorded_at = coalesce(r_recorded_at[e_request[cardinality(e_request)]], v_now)
        WHERE h.shard = p_shard;
        PERFORM pg_notify('tarikh_log', p_shard || ':' || v_head + v_stored);

        -- Of a young table the planner knows nothing and may walk along `shard`; autovacuum looks in once a minute.
        IF EXISTS (SELECT FROM unnest('{100,1000,10000,100000}'::bigint[]) AS age(mark)
                   WHERE v_head < mark AND v_head + v_stored >= mark) THEN
            ANALYZE log.event, log.claim;
        END IF;
    END IF;

    RETURN QUERY
    SELECT 0, 'appended', v_head + 1, v_now, NULL
    WHERE v_stored > 0
    UNION ALL
    SELECT l.request, l.outcome, l.position, NULL, l.culprit
    FROM unnest(v_lost, v_outcome, v_position, v_culprit) AS l(request, outcome, position, culprit);
END
$$;

-- Which requests of a call lose, and the first reason why. The caller holds the lock.
CREATE FUNCTION log.lost(
    p_shard integer, r_id bytea[],
    e_request integer[], e_stream uuid[], e_version bigint[], e_subject uuid[],
    g_request integer[], g_stream uuid[], g_version bigint[],
    c_request integer[], c_digest bytea[], c_take boolean[], c_owner uuid[]
) RETURNS TABLE (request integer, outcome text, "position" bigint, culprit text)
LANGUAGE sql STABLE
AS $$
    SELECT DISTINCT ON (l.request) l.request, l.outcome, l.position, l.culprit
    FROM (
        SELECT r.n::integer AS request, 1 AS rank, 'duplicate' AS outcome, e.notification_id AS position, NULL AS culprit
        FROM unnest(r_id) WITH ORDINALITY AS r(id, n)
        JOIN log.event AS e ON e.shard = p_shard AND e.request_id = r.id
        UNION ALL
        SELECT e.request, 2, 'erased', x.position, x.subject_id::text
        FROM unnest(e_request, e_subject) AS e(request, subject)
        JOIN log.erased AS x ON x.shard = p_shard AND x.subject_id = e.subject
        UNION ALL
        SELECT e.request, 3, 'version', NULL, e.stream::text
        FROM (
            SELECT request, stream, version,
                   lag(version) OVER (PARTITION BY stream ORDER BY n) AS before
            FROM unnest(e_request, e_stream, e_version) WITH ORDINALITY AS e(request, stream, version, n)
        ) AS e
        WHERE e.version IS DISTINCT FROM 1 + coalesce(e.before, (
            SELECT s.originator_version FROM log.event AS s
            WHERE s.shard = p_shard AND s.originator_id = e.stream
            ORDER BY s.originator_version DESC LIMIT 1), 0)
        UNION ALL
        SELECT g.request, 4, 'guard', NULL, g.stream::text
        FROM unnest(g_request, g_stream, g_version) AS g(request, stream, version)
        WHERE g.version IS DISTINCT FROM coalesce((
            SELECT s.originator_version FROM log.event AS s
            WHERE s.shard = p_shard AND s.originator_id = g.stream
            ORDER BY s.originator_version DESC LIMIT 1), 0)
        UNION ALL
        SELECT c.request, 5, 'claim', NULL, c.n::text
        FROM unnest(c_request, c_digest, c_take, c_owner) WITH ORDINALITY AS c(request, digest, take, owner, n)
        JOIN log.claim AS k ON k.shard = p_shard AND k.digest = c.digest
        WHERE c.take AND k.owner_id <> c.owner
        UNION ALL
        SELECT c.request, 5, 'claim', NULL, c.n::text
        FROM unnest(c_request, c_digest) WITH ORDINALITY AS c(request, digest, n)
        JOIN log.refused AS f ON f.shard = p_shard AND f.request_id = r_id[c.request] AND f.digest = c.digest
        WHERE f.refused_at >= now() - interval '3 minutes'
    ) AS l
    ORDER BY l.request, l.rank
$$;

CREATE FUNCTION log.append(
    p_shard integer, p_clock timestamptz, r_id bytea[],
    e_request integer[], e_stream uuid[], e_version bigint[], e_topic text[], e_schema smallint[],
    e_subject uuid[], e_actor uuid[], e_key uuid[], e_state bytea[], e_meta bytea[],
    g_request integer[], g_stream uuid[], g_version bigint[],
    c_request integer[], c_digest bytea[], c_take boolean[], c_owner uuid[]
) RETURNS TABLE (request integer, outcome text, "position" bigint, recorded_at timestamptz, culprit text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY SELECT * FROM log.write(
        p_shard, p_clock, r_id, NULL, e_request, e_stream, e_version, e_topic, e_schema, e_subject, e_actor, e_key,
        e_state, e_meta, g_request, g_stream, g_version, c_request, c_digest, c_take, c_owner);
END
$$;
COMMENT ON FUNCTION log.append IS 'The app''s only way in: recorded now.';

CREATE FUNCTION log.backfill(
    p_shard integer, r_recorded_at timestamptz[], r_id bytea[],
    e_request integer[], e_stream uuid[], e_version bigint[], e_topic text[], e_schema smallint[],
    e_subject uuid[], e_actor uuid[], e_key uuid[], e_state bytea[], e_meta bytea[],
    g_request integer[], g_stream uuid[], g_version bigint[],
    c_request integer[], c_digest bytea[], c_take boolean[], c_owner uuid[]
) RETURNS TABLE (request integer, outcome text, "position" bigint, recorded_at timestamptz, culprit text)
LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY SELECT * FROM log.write(
        p_shard, NULL, r_id, r_recorded_at, e_request, e_stream, e_version, e_topic, e_schema, e_subject, e_actor,
        e_key, e_state, e_meta, g_request, g_stream, g_version, c_request, c_digest, c_take, c_owner);
END
$$;
COMMENT ON FUNCTION log.backfill IS 'The owner''s only: recorded_at of a legacy system, never ahead of now, never backwards.';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA log FROM PUBLIC;
GRANT USAGE ON SCHEMA log TO tarikh_app, tarikh_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA log TO tarikh_app, tarikh_projector;
GRANT EXECUTE ON FUNCTION log.append TO tarikh_app;
GRANT EXECUTE ON FUNCTION log.leaf_hash TO tarikh_app, tarikh_projector;

-- recorded_at never falls with the position, so a time is found by halving.
CREATE FUNCTION log.position_at(p_shard integer, p_time timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_low bigint := 0;
    v_high bigint;
    v_middle bigint;
BEGIN
    SELECT position INTO v_high FROM log.head WHERE shard = p_shard;
    WHILE v_low < v_high LOOP
        v_middle := (v_low + v_high + 1) / 2;
        IF (SELECT recorded_at FROM log.event WHERE shard = p_shard AND notification_id = v_middle) <= p_time THEN
            v_low := v_middle;
        ELSE
            v_high := v_middle - 1;
        END IF;
    END LOOP;
    RETURN v_low;
END
$$;
REVOKE ALL ON FUNCTION log.position_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION log.position_at TO tarikh_app, tarikh_projector;
