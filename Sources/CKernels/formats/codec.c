// ck_decode and ck_encode: check their arguments and run a format's block codec over a row of blocks.
#include "ckernels.h"
#include "formats/formats.h"

// The block's codec is inlined into its loop: for formats of one value a block the loop is what vectorises.
#define FORMAT(id, name, per_block, bytes, act, gguf)                                                             \
  _Static_assert(sizeof(CK_BLOCK(id)) == (bytes), name " and its row of the list");                               \
  static void decode_##id(const void *blocks, size_t count, float *restrict values) {                             \
    const CK_BLOCK(id) *block = blocks;                                                                           \
    for (size_t i = 0; i < count; ++i) CK_DECODE_BLOCK(id)(block + i, values + i * (per_block));                  \
  }                                                                                                               \
  static void encode_##id(const float *values, size_t count, const float *importance, void *restrict blocks) {    \
    CK_BLOCK(id) *block = blocks;                                                                                 \
    for (size_t i = 0; i < count; ++i) {                                                                          \
      CK_ENCODE_BLOCK(id)(values + i * (per_block), importance ? importance + i * (per_block) : NULL, block + i); \
    }                                                                                                             \
  }
#include "ck_formats.def"
#undef FORMAT

typedef struct codec {
  void (*decode)(const void *blocks, size_t count, float *values);
  void (*encode)(const float *values, size_t count, const float *importance, void *blocks);
} codec;

static const codec codecs[CK_FORMAT_COUNT] = {
#define FORMAT(id, name, values, bytes, act, gguf) {decode_##id, encode_##id},
#include "ck_formats.def"
#undef FORMAT
};

ck_status ck_decode(ck_format format, const void *blocks, size_t count, float *values) {
  const ck_format_info *info = ck_format_describe(format);
  if (!info || count % info->values_per_block) return CK_INVALID_ARGUMENT;
  if (count == 0) return CK_OK;
  if (!blocks || !values) return CK_INVALID_ARGUMENT;
  codecs[format].decode(blocks, count / info->values_per_block, values);
  return CK_OK;
}

ck_status ck_encode(ck_format format, const float *values, size_t count, const float *importance, void *blocks) {
  const ck_format_info *info = ck_format_describe(format);
  if (!info || count % info->values_per_block) return CK_INVALID_ARGUMENT;
  if (count == 0) return CK_OK;
  if (!blocks || !values) return CK_INVALID_ARGUMENT;
  codecs[format].encode(values, count / info->values_per_block, importance, blocks);
  return CK_OK;
}
