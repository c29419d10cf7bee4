# Continues a prompt greedily through libgobi.so.1 with ctypes, 32 tokens. Needs no package.
#   LD_LIBRARY_PATH=$(pkg-config --variable=libdir gobi) python3 generate.py MODEL PROMPT
import ctypes
import sys
from ctypes import POINTER, byref, c_bool, c_char_p, c_float, c_int32, c_size_t, c_uint64, c_void_p


class BatchEntry(ctypes.Structure):
    _fields_ = [("sequence", c_uint64), ("tokens", POINTER(c_int32)), ("count", c_size_t),
                ("output", c_int32), ("reserved", c_int32)]


class Choice(ctypes.Structure):
    _fields_ = [("token", c_int32), ("log_probability", c_float)]


class ModelInfo(ctypes.Structure):
    _fields_ = [("struct_size", c_size_t), ("parameters", c_uint64), ("weight_bytes", c_uint64),
                ("fingerprint", c_uint64), ("vocabulary", ctypes.c_uint32)]  # an older caller's, which is accepted


class Gobi:
    def __init__(self):
        self.library = ctypes.CDLL("libgobi.so.1")
        self.library.gobi_error_message.restype = c_char_p
        self.library.gobi_error_message.argtypes = [c_void_p]
        self.library.gobi_error_free.argtypes = [c_void_p]
        self.library.gobi_error_free.restype = None

    def call(self, name, *arguments):
        """Calls a function that ends in an error pointer, and raises what it reports."""
        error = c_void_p()
        status = getattr(self.library, name)(*arguments, byref(error))
        if status:
            message = self.library.gobi_error_message(error).decode()
            self.library.gobi_error_free(error)
            raise RuntimeError(message)

    def create(self, name, *arguments):
        handle = c_void_p()
        self.call(name, *arguments, byref(handle))
        return handle

    def destroy(self, name, handle):
        function = getattr(self.library, name)
        function.restype = None
        function(handle)


def main(path, prompt):
    gobi = Gobi()
    runtime = gobi.create("gobi_runtime_create", None)
    model = gobi.create("gobi_model_open", path.encode(), runtime, None)
    tokenizer = gobi.create("gobi_tokenizer_create", model)
    decoder = gobi.create("gobi_decoder_create", tokenizer, c_bool(False), c_bool(False))
    session = gobi.create("gobi_session_create", model, None)
    sampler = gobi.create("gobi_sampler_create", None)
    info = ModelInfo(struct_size=ctypes.sizeof(ModelInfo))
    gobi.call("gobi_model_describe", model, byref(info))
    sequence = c_uint64()
    gobi.call("gobi_sequence_create", session, byref(sequence))

    text = prompt.encode()
    tokens = (c_int32 * (len(text) + 2))()
    count = c_size_t()
    gobi.call("gobi_encode", tokenizer, text, c_size_t(len(text)), None, tokens, c_size_t(len(tokens)), byref(count))
    buffer = ctypes.create_string_buffer(256)
    length = c_size_t()
    result = b""
    for _ in range(32):
        entry = BatchEntry(sequence=sequence, tokens=tokens, count=count)
        gobi.call("gobi_evaluate", session, byref(entry), c_size_t(1), None)
        logits = POINTER(c_float)()
        gobi.call("gobi_logits", session, c_size_t(0), byref(logits))
        choice = Choice()
        gobi.call("gobi_sample", sampler, logits, c_size_t(info.vocabulary), byref(choice), None, c_size_t(0), None)
        if gobi.library.gobi_token_ends_generation(tokenizer, choice.token) & 1:
            break
        gobi.call("gobi_decoder_append", decoder, choice.token, buffer, c_size_t(len(buffer)), byref(length))
        result += buffer.raw[:length.value]
        tokens, count = (c_int32 * 1)(choice.token), c_size_t(1)
    gobi.call("gobi_decoder_finish", decoder, buffer, c_size_t(len(buffer)), byref(length))
    sys.stdout.buffer.write(result + buffer.raw[:length.value] + b"\n")

    for name, handle in [("gobi_sampler_destroy", sampler), ("gobi_session_destroy", session),
                         ("gobi_decoder_destroy", decoder), ("gobi_tokenizer_destroy", tokenizer),
                         ("gobi_model_close", model), ("gobi_runtime_destroy", runtime)]:
        gobi.destroy(name, handle)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: generate.py MODEL PROMPT")
    try:
        main(sys.argv[1], sys.argv[2])
    except RuntimeError as error:
        sys.exit(f"generate.py: {error}")
