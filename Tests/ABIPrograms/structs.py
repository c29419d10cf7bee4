# Writes a C program that prints the size of every struct of the Python package and the offsets of its fields, or holds
# what that program printed against the package's own.
# Usage: structs.py write >PROGRAM.c; structs.py compare <OUTPUT
import ctypes
import sys

from gobi import _abi

STRUCTS = [value for value in vars(_abi).values()
           if isinstance(value, type) and issubclass(value, ctypes.Structure) and value is not ctypes.Structure]


def write():
    print("#include <gobi.h>\n#include <stdio.h>\nint main(void) {")
    for struct in STRUCTS:
        name = struct.__name__
        print(f'  printf("{name} %zu\\n", sizeof({name}));')
        for field, _ in struct._fields_:
            print(f'  printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), sizeof((({name} *)0)->{field}));')
    print("}")


def compare():
    expected = []
    for struct in STRUCTS:
        expected.append(f"{struct.__name__} {ctypes.sizeof(struct)}")
        for field, kind in struct._fields_:
            expected.append(f"{struct.__name__}.{field} {getattr(struct, field).offset} {ctypes.sizeof(kind)}")
    found = sys.stdin.read().split("\n")[:-1]
    wrong = [f"{one}, in C {other}" for one, other in zip(expected, found) if one != other]
    assert len(expected) == len(found) > 100 and not wrong, wrong
    print(f"{len(STRUCTS)} structs are those of gobi.h")


{"write": write, "compare": compare}[sys.argv[1]]()
