-- Plain tables of the app: how far each read model is, and who feeds them.

CREATE TABLE app.checkpoint (
    shard integer NOT NULL,
    model text NOT NULL,
    fingerprint text NOT NULL,
    position bigint NOT NULL,
    generation bigint NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now(),
    holder text,
    built_at timestamptz,
    purged bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (shard, model, fingerprint)
);
COMMENT ON TABLE app.checkpoint IS 'A read model version has applied every position up to this one.';
COMMENT ON COLUMN app.checkpoint.generation IS 'Raised with every new holder; who moves a checkpoint must know it.';
COMMENT ON COLUMN app.checkpoint.holder IS 'The lease of the projector that feeds this version, while that lease lives.';
COMMENT ON COLUMN app.checkpoint.built_at IS 'When it had caught up for the first time; before that nobody is answered from it.';
COMMENT ON COLUMN app.checkpoint.purged IS 'The last erasure that was applied by another than its own projector.';

CREATE TABLE app.lease (
    name text PRIMARY KEY,
    heartbeat timestamptz NOT NULL
);
COMMENT ON TABLE app.lease IS 'One for each projector: what names it is held while the heart beats.';

GRANT USAGE ON SCHEMA app TO tarikh_app, tarikh_projector;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO tarikh_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA app TO tarikh_projector;
