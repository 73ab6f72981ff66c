"""NeuroKit2: ``emg_process`` of ten minutes of one channel, with a cramp in them.

A whole night would take it half an hour.
"""

import json
import sys
import time
from importlib.metadata import version

import neurokit2
import numpy as np

RATE_HZ = 1000
FIRST, LAST = 1800 * RATE_HZ, 2400 * RATE_HZ

emg = np.load(sys.argv[1], mmap_mode="r")
part = emg[0, FIRST:LAST].astype(np.float64)
begun = time.process_time()
neurokit2.emg_process(part, sampling_rate=RATE_HZ)
cpu_s = time.process_time() - begun
print(json.dumps({"version": version("neurokit2"), "cpu_s": cpu_s, "share": part.size / emg.size}))
