# Tells libabigail which changes of structs are none: a struct that starts with its size may get longer at its end.
# (Its own has_data_member_inserted_at = end, as of 2.2, also passes over fields that were changed.)
# Usage: abi-growth.py OLD.abi NEW.abi >SUPPRESSIONS
import sys
import xml.etree.ElementTree as xml


def structs(path):
    return {struct.get("name"): [(member.get("layout-offset-in-bits"), member[0].get("name"), member[0].get("type-id"))
                                 for member in struct.iter("data-member")]
            for struct in xml.parse(path).iter("class-decl")}


def main(old_path, new_path):
    old, new = structs(old_path), structs(new_path)
    for name, members in old.items():
        later = new.get(name, [])
        if members and members[0][1] == "struct_size" and later != members and later[:len(members)] == members:
            print(f"[suppress_type]\ntype_kind = struct\nname = {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
