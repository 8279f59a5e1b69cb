"""The rules of the record: pure functions `decide` and `evolve` over frozen events, commands and states."""
