# Which validator a schema of the fixtures is meant for.
import jsonschema

CLASSES = {"draft7": jsonschema.Draft7Validator}


def validator(source, schema):
    """One for `schema`, by the draft that its source names; formats are checked."""
    cls = CLASSES.get(source.split("/")[0], jsonschema.Draft202012Validator)
    return cls(schema, format_checker=cls.FORMAT_CHECKER)
