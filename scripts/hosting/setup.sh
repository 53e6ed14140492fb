#!/usr/bin/env bash
# Gradescope runs this once, as root, when the zip is uploaded. Choose the base image Ubuntu 22.04.
set -euo pipefail
root="${AUTOGRADER:-/autograder}"

# The image's own Python is too old for the course. uv fetches the one named here, and for PyTorch the wheel for CPUs
# (plain pip takes the one for GPUs on Linux, and gigabytes of libraries with it). Everything else comes from the usual
# index, in the versions of requirements.txt.
apt-get install --yes --quiet python3-venv
python3 -m venv "$root/tools"
"$root/tools/bin/pip" install --quiet uv==@UV@
"$root/tools/bin/uv" venv --python @PYTHON@ "$root/env"
"$root/tools/bin/uv" pip install --python "$root/env/bin/python" --torch-backend cpu \
    --requirements "$root/source/packages.txt" --constraints "$root/source/requirements.txt"
