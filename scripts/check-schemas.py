# check-schemas.py TEXTS: validates each text of a file of JSON lines (source, schema, text) against its schema.
import collections
import json
import sys

import jsonschema

from schema_validator import validator

schemas, texts, invalid = collections.defaultdict(set), collections.Counter(), 0
with open(sys.argv[1], encoding="utf-8") as lines:
    for line in lines:
        row = json.loads(line)
        source = row["source"].split("/")[0]
        texts[source] += 1
        schemas[source].add(json.dumps(row["schema"]))
        try:
            validator(row["source"], row["schema"]).validate(json.loads(row["text"]))
        except (ValueError, jsonschema.ValidationError) as error:
            invalid += 1
            if invalid <= 20:
                print(f"{row['source']}: {row['description']}: {row['text']!r}: {str(error).splitlines()[0]}")
for source in sorted(texts):
    print(f"{source}: {len(schemas[source])} schemas, {texts[source]} texts")
suite = sum(len(schemas[source]) for source in schemas if source != "everyday")
print(f"invalid: {invalid}")
if suite < 100:
    print(f"only {suite} schemas of the suite: at least 100 are asked for")
sys.exit(1 if invalid or suite < 100 else 0)
