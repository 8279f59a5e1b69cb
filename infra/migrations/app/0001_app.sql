-- Plain tables of the app: how far each read model is, and who feeds them.

CREATE TABLE app.checkpoint (
    shard integer NOT NULL,
    model text NOT NULL,
    fingerprint text NOT NULL,
    position bigint NOT NULL,
    generation bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, model, fingerprint)
);
COMMENT ON TABLE app.checkpoint IS 'A read model version has applied every position up to this one.';

CREATE TABLE app.lease (
    name text PRIMARY KEY,
    holder text NOT NULL,
    generation bigint NOT NULL,
    heartbeat timestamptz NOT NULL
);
COMMENT ON TABLE app.lease IS 'Of several processes one works; a new holder raises the generation.';

CREATE TABLE app.erasure (
    shard integer NOT NULL,
    subject_id uuid NOT NULL,
    step text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (shard, subject_id)
);
COMMENT ON TABLE app.erasure IS 'Erasures under way and done; ids only.';

GRANT USAGE ON SCHEMA app TO tarikh_app, tarikh_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO tarikh_app;
GRANT INSERT, UPDATE ON app.erasure TO tarikh_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app TO tarikh_projector;
