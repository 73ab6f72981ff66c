"""Many recordings at once, here or on a cluster: one bad file or dead worker stops no other.

`analyse_files` is the whole of it. Recordings and results may be local or anywhere fsspec reaches
(`storage`); the work runs behind `concurrent.futures.Executor`, in this process, in processes of
its own or on Dask (`workers`); each run leaves a manifest of every input (`manifest`).
"""

from __future__ import annotations

from nightcramp.batch.inputs import find_recordings, find_sources, read_list, result_names
from nightcramp.batch.manifest import NOT_REACHED, RUNS, read_manifest
from nightcramp.batch.run import analyse_files
from nightcramp.batch.storage import local_folder
from nightcramp.batch.workers import default_jobs

__all__ = [
    "NOT_REACHED",
    "RUNS",
    "analyse_files",
    "default_jobs",
    "find_recordings",
    "find_sources",
    "local_folder",
    "read_list",
    "read_manifest",
    "result_names",
]
