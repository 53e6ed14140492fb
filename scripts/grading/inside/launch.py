"""The parent of a kernel: `os.kill(os.getppid(), 9)` hits this, and not the marking.

    python -I -S launch.py command ...

Ends with the kernel, and ends it if the marking is gone.
"""

import os
import signal
import subprocess
import sys
import time

if __name__ == "__main__":
    os.environ.pop("JPY_PARENT_PID", None)
    marking = os.getppid()
    kernel = subprocess.Popen(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the kernel
    while kernel.poll() is None:
        time.sleep(0.05)
        if os.getppid() != marking:
            kernel.kill()
    sys.exit(kernel.returncode % 256)
