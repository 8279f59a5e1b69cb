"""Everything with a socket, file, clock or process: log, projector, vault, imports, command line."""
