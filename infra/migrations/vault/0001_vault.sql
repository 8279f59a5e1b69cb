-- One data key per patient, wrapped by the master key, in a database of its own so that no backup holds both.

CREATE SCHEMA vault;

CREATE TABLE vault.key (
    shard integer NOT NULL,
    subject_id uuid NOT NULL,
    key_id uuid NOT NULL,
    master_id text NOT NULL,
    wrapped bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    destroyed_at timestamptz,
    PRIMARY KEY (shard, subject_id),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
);
ALTER TABLE vault.key ALTER COLUMN wrapped SET STATISTICS 0; -- samples of keys would outlive them in the catalog
CREATE UNIQUE INDEX key_id ON vault.key (shard, key_id);
COMMENT ON TABLE vault.key IS 'wrapped is null once the patient was erased: what it sealed stays closed for ever.';
