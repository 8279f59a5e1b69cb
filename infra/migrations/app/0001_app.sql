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

GRANT USAGE ON SCHEMA app TO tarikh_app, tarikh_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO tarikh_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app TO tarikh_projector;
