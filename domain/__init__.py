"""The rules of the record: events, commands, states, `decide` and `evolve`, pure functions over frozen Structs."""
