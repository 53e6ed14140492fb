# In Colab, and only there, fetch this course's helper package. PyTorch and NumPy stay as they are.
import importlib.util
import os
import subprocess
import sys

SOURCE = "git+https://github.com/your-name/toy-models-of-superposition"
in_colab = "google.colab" in sys.modules or os.environ.get("TMS_FORCE_COLAB") == "1"

if importlib.util.find_spec("tms_utils") is None:
    if in_colab:
        source = os.environ.get("TMS_UTILS_SOURCE", SOURCE)
        small = [p for p in ("fancy_einsum", "jaxtyping") if importlib.util.find_spec(p) is None]
        for packages in (["--no-deps", source], small):
            command = [sys.executable, "-m", "pip", "install", "--quiet", *packages]
            pip = subprocess.run(command, capture_output=True, text=True) if packages else None
            if pip and pip.returncode != 0:
                raise RuntimeError(f"pip could not install {packages[-1]}:\n{pip.stderr}")
        importlib.invalidate_caches()
    else:
        print("tms_utils is not installed. In the course's folder, type: pip install -e .")
