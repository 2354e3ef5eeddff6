"""Sending jobs to workers: a job file and a command line cross, nothing else."""
