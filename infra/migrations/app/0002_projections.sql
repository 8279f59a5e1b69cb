-- What operating the read models needs: patients who are held back, and rebuilds that can go on.

CREATE TABLE app.held (
    shard integer NOT NULL,
    model text NOT NULL,
    fingerprint text NOT NULL,
    subject_id uuid NOT NULL,
    position bigint NOT NULL,
    error text NOT NULL,
    place text NOT NULL,
    held_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, model, fingerprint, subject_id)
);
COMMENT ON TABLE app.held IS 'Patients whose rows stand as before an event that could not be applied; never what it says.';

CREATE TABLE app.rebuild (
    shard integer NOT NULL,
    model text NOT NULL,
    fingerprint text NOT NULL,
    position bigint NOT NULL,
    subject_id uuid,
    events bigint NOT NULL DEFAULT 0,
    rows jsonb NOT NULL DEFAULT '{}',
    indexed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (shard, model, fingerprint)
);
COMMENT ON TABLE app.rebuild IS 'How far new tables beside the old ones are: everybody up to a patient, up to a position.';

GRANT SELECT ON app.held, app.rebuild TO tarikh_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON app.held, app.rebuild TO tarikh_projector;
