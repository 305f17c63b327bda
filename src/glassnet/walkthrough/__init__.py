"""The network opened: here the proof of its derivatives; every number of a trace comes next."""
