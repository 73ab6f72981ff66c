"""LibEMG: band pass, windows of 250 ms every 125 ms, eleven features."""

import json
import sys
import time
from importlib.metadata import version

import numpy as np
from libemg.feature_extractor import FeatureExtractor
from libemg.filtering import Filter
from libemg.utils import get_windows

RATE_HZ = 1000
WINDOW, STEP = 250, 125
HOUR = 3600 * RATE_HZ
FEATURES = ["MAV", "RMS", "VAR", "WL", "ZC", "SSC", "WAMP", "ACT", "MOB", "MNF", "MDF"]

emg = np.ascontiguousarray(np.load(sys.argv[1]).astype(np.float64).T)
begun = time.process_time()
band_pass = Filter(RATE_HZ)
band_pass.install_filters({"name": "bandpass", "cutoff": [20, 450], "order": 4})
filtered = band_pass.filter(emg)
extractor = FeatureExtractor()
# Hour by hour: the windows of a whole night would need more memory than many machines have.
for first in range(0, len(filtered), HOUR):
    windows = get_windows(filtered[first : first + HOUR], WINDOW, STEP)
    extractor.extract_features(FEATURES, windows, {"MNF_fs": RATE_HZ, "MDF_fs": RATE_HZ})
cpu_s = time.process_time() - begun
print(json.dumps({"version": version("libemg"), "cpu_s": cpu_s, "share": 1.0}))
