"""Where and with what the figures were made."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "glassnet", "numpy", "llvmlite", "scikit-learn", "torch", "jax", "jaxlib", "onnxruntime",
)  # fmt: skip


def processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def caches() -> list[str]:
    """'L1 Data 48K', … of the first core."""
    found = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (
            (index / name).read_text().strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction":
            found.append(f"L{level} {size}")
    return found


def simd() -> str:
    try:
        import llvmlite.binding as llvm
    except ImportError:
        return "unknown"
    has = llvm.get_host_cpu_features()
    names = [name for name in ("avx512f", "avx2", "fma", "sse4.2", "neon") if has.get(name)]
    return f"{llvm.get_host_cpu_name()}: {', '.join(names)}"


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def revision() -> str:
    """The commit, and whether the tree differs from it."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()


def command() -> str:
    """What was typed, but for the folder, which is nobody's business."""
    words = iter(sys.argv[1:])
    kept = []
    for word in words:
        if word == "--out":
            next(words, None)
        elif not word.startswith("--out="):
            kept.append(word)
    return " ".join(["python -m benchmarks", *kept])


def describe() -> dict[str, Any]:
    return {
        "processor": processor(),
        "simd": simd(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "system": f"{platform.system()} {platform.release()}",
        "busy": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "versions": versions(),
        "revision": revision(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(),
    }
