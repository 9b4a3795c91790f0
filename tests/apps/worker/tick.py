import itertools
import time

for number in itertools.count(1):
    print(f"tick {number}", flush=True)
    time.sleep(0.5)
