-- What is kept of an erasure: ids, counts, and the certificate that it was carried to its end.

CREATE TABLE app.erasure_purge (
    shard integer NOT NULL,
    subject_id uuid NOT NULL,
    schema text NOT NULL,
    "table" text NOT NULL,
    rows bigint NOT NULL,
    PRIMARY KEY (shard, subject_id, schema, "table")
);
COMMENT ON TABLE app.erasure_purge IS 'How many rows of an erased patient a read model held; written with their deletion.';

CREATE TABLE app.erasure_certificate (
    shard integer NOT NULL,
    first_position bigint NOT NULL,
    last_position bigint NOT NULL,
    patients uuid[] NOT NULL,
    note text NOT NULL,
    issued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, first_position),
    CHECK (first_position <= last_position)
);
COMMENT ON TABLE app.erasure_certificate IS 'The signed certificate of a finished erasure. An erasure without one is not finished.';

GRANT SELECT, INSERT, UPDATE ON app.erasure_purge TO tarikh_projector;
GRANT SELECT ON app.erasure_purge TO tarikh_app;
GRANT SELECT, INSERT ON app.erasure_certificate TO tarikh_app;
GRANT SELECT ON app.erasure_certificate TO tarikh_projector;
