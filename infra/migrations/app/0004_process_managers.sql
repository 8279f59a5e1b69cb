-- How far each process manager has looked; beside it stand the tables of the queue, which the library brings.

CREATE TABLE jobs.process_manager (
    shard integer NOT NULL,
    name text NOT NULL,
    position bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, name)
);
COMMENT ON TABLE jobs.process_manager IS 'Whatever a manager reacts to, up to this position, is a job or was one.';

GRANT USAGE ON SCHEMA jobs TO tarikh_app, tarikh_projector;

-- Who projects puts jobs into the queue, in one transaction with the manager's position.
GRANT SELECT, UPDATE ON jobs.process_manager TO tarikh_projector;
GRANT SELECT, INSERT ON jobs.procrastinate_jobs TO tarikh_projector;
GRANT INSERT ON jobs.procrastinate_events TO tarikh_projector;
GRANT USAGE ON SEQUENCE jobs.procrastinate_jobs_id_seq, jobs.procrastinate_events_id_seq TO tarikh_projector;

-- Who works takes them and ends them, and makes none.
GRANT SELECT ON jobs.process_manager TO tarikh_app;
GRANT SELECT, UPDATE, DELETE ON jobs.procrastinate_jobs TO tarikh_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs.procrastinate_workers TO tarikh_app;
GRANT SELECT, INSERT ON jobs.procrastinate_events TO tarikh_app;
GRANT SELECT, UPDATE ON jobs.procrastinate_periodic_defers TO tarikh_app;
GRANT USAGE ON SEQUENCE jobs.procrastinate_events_id_seq TO tarikh_app;
