#!/usr/bin/env python3
"""Times upstream llama.cpp, through llama-cpp-python, the way llama-bench does: prompt processing, generation at a
depth, and generation of several sequences at once. Prints one JSON object a test, with llama-bench's field names.

Settings are the peer's best for CPUs: flash attention on, all threads, a warm-up run before each test."""
import argparse
import ctypes
import json
import random
import statistics
import sys
import time


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("-p", "--n-prompt", type=int, default=512)
    parser.add_argument("-n", "--n-gen", type=int, default=64)
    parser.add_argument("-d", "--n-depth", type=int, default=0)
    parser.add_argument("-np", "--parallel", type=int, default=1, help="sequences that are decoded together")
    parser.add_argument("-t", "--threads", type=int, default=2)
    parser.add_argument("-r", "--repetitions", type=int, default=1)
    parser.add_argument("--no-flash-attention", action="store_true")
    return parser.parse_args()


class Peer:
    def __init__(self, options, library):
        self.lib = library
        self.options = options
        library.llama_backend_init()
        self.silence = library.llama_log_callback(lambda level, text, data: None)
        library.llama_log_set(self.silence, ctypes.c_void_p(0))
        self.model = library.llama_model_load_from_file(
            options.model.encode(), library.llama_model_default_params())
        if not self.model:
            sys.exit(f"the peer cannot load {options.model}")
        params = library.llama_context_default_params()
        params.n_ctx = (options.n_prompt + options.n_depth + options.n_gen + 64) * options.parallel
        params.n_batch, params.n_ubatch = 2048, 512
        params.n_seq_max = options.parallel
        params.n_threads = params.n_threads_batch = options.threads
        params.flash_attn_type = 0 if options.no_flash_attention else 1
        params.kv_unified = False
        self.context = library.llama_init_from_model(self.model, params)
        if not self.context:
            sys.exit("the peer cannot make a context")
        self.vocabulary = library.llama_vocab_n_tokens(library.llama_model_get_vocab(self.model))
        self.batch = library.llama_batch_init(2048, 0, options.parallel)

    def clear(self, depth=0):
        """Forgets all positions from `depth` on."""
        memory = self.lib.llama_get_memory(self.context)
        for sequence in range(self.options.parallel):
            self.lib.llama_memory_seq_rm(memory, sequence, depth, -1)

    def decode(self, entries):
        """entries: (token, position, sequence, wants logits)"""
        for i, (token, position, sequence, logits) in enumerate(entries):
            self.batch.token[i] = token
            self.batch.pos[i] = position
            self.batch.n_seq_id[i] = 1
            self.batch.seq_id[i][0] = sequence
            self.batch.logits[i] = logits
        self.batch.n_tokens = len(entries)
        status = self.lib.llama_decode(self.context, self.batch)
        if status != 0:
            sys.exit(f"the peer's decode failed with {status}")
        self.lib.llama_synchronize(self.context)

    def prefill(self, count, start, sequence=0):
        tokens = [random.randrange(self.vocabulary) for _ in range(count)]
        for begin in range(0, count, 512):
            part = tokens[begin:begin + 512]
            last = begin + len(part) == count
            self.decode([(token, start + begin + i, sequence, last and i == len(part) - 1)
                         for i, token in enumerate(part)])

    def generate(self, count, start):
        for step in range(count):
            self.decode([(random.randrange(self.vocabulary), start + step, sequence, True)
                         for sequence in range(self.options.parallel)])


def timed(peer, options, prompt, generate):
    rates = []
    peer.clear()
    if options.n_depth:
        for sequence in range(options.parallel if generate else 1):
            peer.prefill(options.n_depth, 0, sequence)
    for repetition in range(-1, options.repetitions):  # the first one warms up
        peer.clear(options.n_depth)
        begin = time.monotonic()
        if prompt:
            peer.prefill(prompt, options.n_depth)
        if generate:
            peer.generate(generate, options.n_depth)
        seconds = time.monotonic() - begin
        if repetition >= 0:
            rates.append((prompt + generate * options.parallel) / seconds)
    return rates


def main():
    options = arguments()
    import llama_cpp
    from llama_cpp import llama_cpp as library
    random.seed(1)
    peer = Peer(options, library)
    for prompt, generate in ((options.n_prompt, 0), (0, options.n_gen)):
        if prompt + generate == 0:
            continue
        rates = timed(peer, options, prompt, generate)
        print(json.dumps({
            "build": f"llama-cpp-python {llama_cpp.__version__}", "n_prompt": prompt, "n_gen": generate,
            "n_depth": options.n_depth, "n_parallel": options.parallel, "n_threads": options.threads,
            "avg_ts": statistics.mean(rates), "samples_ts": rates}), flush=True)


if __name__ == "__main__":
    main()
