"""SciPy's ``sosfilt`` alone: a band pass of four biquads over a whole night in memory."""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
from scipy import signal

RATE_HZ = 1000

emg = np.load(sys.argv[1]).astype(np.float64)
begun = time.process_time()
sections = signal.butter(4, (20, 450), "bandpass", fs=RATE_HZ, output="sos")
signal.sosfilt(sections, emg)
cpu_s = time.process_time() - begun
print(json.dumps({"version": version("scipy"), "cpu_s": cpu_s, "share": 1.0}))
