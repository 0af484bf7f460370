"""The hub on real sockets in this process: what one viewer does, and that nobody troubles anybody else."""
