"""Trains and exports the models of the wine example: `python tests/peer/wine.py OUTDIR`, into `OUTDIR/wine`."""

import os
import shutil
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "python" / "src"), str(ROOT / "examples" / "wine")]

if __name__ == "__main__":
    import model

    folder = Path(sys.argv[1]) / "wine"
    shutil.rmtree(folder, ignore_errors=True)
    model.main(folder)
