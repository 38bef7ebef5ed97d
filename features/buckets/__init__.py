"""Data sets larger than memory: poured into hash buckets of whole leads on disk, which flow one by one."""
