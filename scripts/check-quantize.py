# check-quantize.py QUANTISED DECODED: whether the public reader dequantises QUANTISED to the values of DECODED.
#
# QUANTISED is a file of `gobi quantize`, DECODED the same file brought to F32 by it. Values are compared bit by bit.
# Needs the package gguf. Exit codes: 0 equal; 1 not.
import sys

import numpy
from gguf import GGMLQuantizationType, GGUFReader
from gguf.quants import dequantize


def values(tensor):
  """The tensor's values in order, as float32."""
  if tensor.tensor_type == GGMLQuantizationType.F32:
    return numpy.asarray(tensor.data, dtype=numpy.float32).reshape(-1)
  return dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32).reshape(-1)


def main(quantised_path, decoded_path):
  quantised, decoded = GGUFReader(quantised_path), GGUFReader(decoded_path)
  ours = {tensor.name: tensor for tensor in decoded.tensors}
  if set(ours) != {tensor.name for tensor in quantised.tensors} or not ours:
    print("the files hold different tensors")
    return 1
  counts, wrong = {}, 0
  for tensor in quantised.tensors:
    theirs, mine = values(tensor), values(ours[tensor.name])
    name = tensor.tensor_type.name
    counts[name] = counts.get(name, 0) + theirs.size
    differ = theirs.view(numpy.uint32) != mine.view(numpy.uint32)
    # Zero has two signs, and a scale times zero may take either.
    differ &= ~((theirs == 0) & (mine == 0))
    if theirs.size != mine.size or differ.any():
      worst = float(numpy.abs(theirs - mine).max()) if theirs.size == mine.size else float("nan")
      print(f"{tensor.name} ({name}): {int(differ.sum())} of {theirs.size} values differ, by up to {worst:g}")
      wrong += 1
  print("  ".join(f"{name} {count}" for name, count in sorted(counts.items())), "values equal" if not wrong else "WRONG")
  return 1 if wrong else 0


if __name__ == "__main__":
  sys.exit(main(*sys.argv[1:]))
