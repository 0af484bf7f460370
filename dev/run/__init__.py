"""`make run` (`python -m dev.run`): the whole product on this machine, supervised until Ctrl-C."""
