# Continues a prompt greedily, 32 tokens, with the Python package (make wheel; pip install dist/gobi-*.whl).
#   python3 generate.py MODEL PROMPT
import sys

import gobi


def main(path, prompt):
    with gobi.Model(path) as model, gobi.Engine(model) as engine:
        for event in engine.submit(prompt, max_tokens=32):
            sys.stdout.write(event.text)
            sys.stdout.flush()
    print()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py MODEL PROMPT")
    try:
        main(sys.argv[1], sys.argv[2])
    except gobi.Error as error:
        sys.exit(f"generate.py: {error}")
