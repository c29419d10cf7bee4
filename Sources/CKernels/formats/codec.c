// ck_decode: checks its arguments and runs a format's block codec over a row of blocks.
#include "ckernels.h"
#include "formats/formats.h"

typedef void (*decode_blocks)(const void* blocks, size_t count, float* values);

// The block's codec is inlined into its loop: for formats of one value a block the loop is what vectorises.
#define FORMAT(id, name, values_per_block, bytes, act, gguf)                                            \
  _Static_assert(sizeof(CK_BLOCK(id)) == (bytes), name " and its row of the list");                     \
  static void decode_##id(const void* blocks, size_t count, float* restrict values) {                   \
    const CK_BLOCK(id)* block = blocks;                                                                 \
    for (size_t i = 0; i < count; ++i) CK_DECODE_BLOCK(id)(block + i, values + i * (values_per_block)); \
  }
#include "ck_formats.def"
#undef FORMAT

static const decode_blocks decoders[CK_FORMAT_COUNT] = {
#define FORMAT(id, name, values, bytes, act, gguf) decode_##id,
#include "ck_formats.def"
#undef FORMAT
};

ck_status ck_decode(ck_format format, const void* blocks, size_t count, float* values) {
  const ck_format_info* info = ck_format_describe(format);
  if (!info || count % info->values_per_block) return CK_INVALID_ARGUMENT;
  if (count == 0) return CK_OK;
  if (!blocks || !values) return CK_INVALID_ARGUMENT;
  decoders[format](blocks, count / info->values_per_block, values);
  return CK_OK;
}
