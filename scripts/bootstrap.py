# In Colab, and only there, fetch this course's helper package. PyTorch and NumPy stay.
import importlib.util
import os
import subprocess
import sys

SOURCE = "git+https://github.com/your-name/toy-models-of-superposition"
os.environ.setdefault("OMP_NUM_THREADS", "1")  # more would wait for one another
in_colab = "google.colab" in sys.modules or os.environ.get("TMS_FORCE_COLAB") == "1"


def missing(package):
    return importlib.util.find_spec(package) is None


if missing("tms_utils"):
    if in_colab:
        source = os.environ.get("TMS_UTILS_SOURCE", SOURCE)
        small = [p for p in ("fancy_einsum", "jaxtyping") if missing(p)]
        for packages in filter(None, (["--no-deps", source], small)):
            command = [sys.executable, "-m", "pip", "install", "--quiet", *packages]
            pip = subprocess.run(command, capture_output=True, text=True)
            if pip.returncode != 0:
                failed = f"pip could not install {packages[-1]}"
                raise RuntimeError(f"{failed}:\n{pip.stderr}")
        importlib.invalidate_caches()
    else:
        print("tms_utils is not installed. Install PyTorch as pytorch.org says (its")
        print("CPU version is small). Then put this line into a cell, and run it:")
        print("%pip install scikit-learn", SOURCE)
