#!/usr/bin/env python3
"""Writes the golden files of the weight formats, Tests/Fixtures/formats. Needs the PyPI packages numpy and gguf.

For each row of ck_formats.def: <format>.bin holds blocks, <format>.npy what the package gguf decodes them to. The
first half of the values are random bytes with finite scales; the second half is values.npy, quantised by the reference
quantisers of llama.cpp: the library given as the argument, built from ggml/src/ggml-quants.c, or the package gguf where
that knows how. What is left out: our own encoders. The tests hold those against the second half.

usage: format-fixtures.py [LIBRARY]
"""
import ctypes
import pathlib
import re
import sys

import gguf
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "Tests/Fixtures/formats"
ROW = re.compile(r'^FORMAT\((\w+), "\w+", (\d+), (\d+), \w+, (\d+)\)', re.M)
COUNT = 4096


def source_values(random):
  """Gaussian, then heavy-tailed, each 256 values at a scale of their own."""
  half = COUNT // 2
  values = np.concatenate([random.standard_normal(half), random.standard_t(4, half)])
  scales = 0.02 * np.exp(0.5 * random.standard_normal(COUNT // 256))
  return (values.reshape(-1, 256) * scales[:, None]).astype(np.float32).ravel()


def random_blocks(random, kind, values_per_block, bytes_per_block):
  """Random bytes, drawn again where a scale made a value that is not finite or beyond 2^40."""
  blocks = random.integers(0, 256, (COUNT // values_per_block, bytes_per_block), dtype=np.uint8)
  while True:
    with np.errstate(all="ignore"):
      decoded = decode(blocks, kind).reshape(len(blocks), -1)
      bad = ~(np.abs(decoded) < 2.0**40).all(axis=1)
    if not bad.any():
      return blocks
    blocks[bad] = random.integers(0, 256, (int(bad.sum()), bytes_per_block), dtype=np.uint8)


def decode(blocks, kind):
  return np.ascontiguousarray(gguf.quants.dequantize(blocks.reshape(1, -1), kind)).astype(np.float32).ravel()


def reference_blocks(values, name, kind, size, library):
  if name in ("F32", "F16", "BF16"):
    return gguf.quants.quantize(values, kind).view(np.uint8).ravel()
  symbol = "quantize_row_" + (name if name.endswith("_K") else name.lower()).replace("Q", "q") + "_ref"
  if library is None:
    return gguf.quants.quantize(values, kind).view(np.uint8).ravel()
  blocks = np.zeros(size, np.uint8)
  getattr(library, symbol)(
    values.ctypes.data_as(ctypes.c_void_p), blocks.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(len(values)))
  return blocks


def main():
  library = ctypes.CDLL(sys.argv[1]) if len(sys.argv) > 1 else None
  OUT.mkdir(parents=True, exist_ok=True)
  values = source_values(np.random.default_rng(2))
  np.save(OUT / "values.npy", values)
  for name, per_block, size, number in ROW.findall((ROOT / "Sources/CKernels/include/ck_formats.def").read_text()):
    per_block, size, kind = int(per_block), int(size), gguf.GGMLQuantizationType(int(number))
    random = np.random.default_rng(int(number))
    blocks = random_blocks(random, kind, per_block, size).ravel()
    reference = reference_blocks(values, name, kind, COUNT // per_block * size, library)
    blocks = np.concatenate([blocks, reference])
    decoded = decode(blocks, kind)
    assert len(decoded) == 2 * COUNT and np.isfinite(decoded).all()
    (OUT / f"{name.lower()}.bin").write_bytes(blocks.tobytes())
    np.save(OUT / f"{name.lower()}.npy", decoded)


if __name__ == "__main__":
  main()
