-- Logins and databases of a new server; run once, by psql, when the volume is empty.
-- Only `migrate` signs in as the owner of the log. The others may append to it and read it, and nothing else.

\set owner `cat /run/secrets/tarikh.password`
\set vault `cat /run/secrets/tarikh_vault.password`
\set api `cat /run/secrets/tarikh_api.password`
\set worker `cat /run/secrets/tarikh_worker.password`

CREATE ROLE tarikh_app;
CREATE ROLE tarikh_projector;

CREATE ROLE tarikh LOGIN CREATEROLE PASSWORD :'owner';
GRANT tarikh_app, tarikh_projector TO tarikh WITH ADMIN OPTION;
CREATE ROLE tarikh_vault LOGIN PASSWORD :'vault';
CREATE ROLE tarikh_api LOGIN PASSWORD :'api' IN ROLE tarikh_app;
CREATE ROLE tarikh_worker LOGIN PASSWORD :'worker' IN ROLE tarikh_app, tarikh_projector;

CREATE DATABASE tarikh OWNER tarikh;
REVOKE ALL ON DATABASE tarikh FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE tarikh TO tarikh_app, tarikh_projector;

CREATE DATABASE tarikh_vault OWNER tarikh_vault;
REVOKE ALL ON DATABASE tarikh_vault FROM PUBLIC;

-- An erasure overwrites what the write-ahead log still holds of the erased; the worker carries it to its end.
GRANT pg_checkpoint, pg_monitor TO tarikh_worker;
\connect tarikh
GRANT EXECUTE ON FUNCTION pg_switch_wal() TO tarikh_worker;
