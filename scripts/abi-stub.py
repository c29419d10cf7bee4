# Makes a C file from headers that defines every function which they declare, with its types and no body, so that the
# debug information of C alone tells what the ABI is: that of the library is Swift's for the most part.
# Usage: abi-stub.py symbols|stub <HEADERS   (all headers, after cc -E -P)
#   symbols  the declared functions, sorted
#   stub     the C file; enumerations without a name get one, and a variable, so that their values are in the dump
import re
import sys

DECLARED = re.compile(r'__attribute__\(\(visibility\("default"\)\)\)\s+([^;{}]*?\))\s*;')
NAME = re.compile(r"\b((?:gobi|ck)_\w+)\s*\(")
NAMELESS = re.compile(r"\benum\s*\{\s*((?:GOBI|CK)_\w+)")


def main(what, text):
    functions = {NAME.search(declaration)[1]: declaration for declaration in DECLARED.findall(text)}
    if what == "symbols":
        print("\n".join(sorted(functions)))
        return
    print(NAMELESS.sub(r"enum constants_from_\1 { \1", text))
    for first in sorted(set(NAMELESS.findall(text))):
        print(f"enum constants_from_{first} constants_from_{first};")
    for name in sorted(functions):
        print(f"{functions[name]} {{ __builtin_trap(); }}")


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin.read())
