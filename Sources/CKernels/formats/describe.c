// The format list as data.
#include "ckernels.h"

static const ck_format_info formats[CK_FORMAT_COUNT] = {
#define FORMAT(id, name, values, bytes, act, gguf) {name, values, bytes, CK_ACTIVATION_##act, gguf},
#include "ck_formats.def"
#undef FORMAT
};

const ck_format_info *ck_format_describe(ck_format format) {
  return (unsigned)format < CK_FORMAT_COUNT ? &formats[format] : NULL;
}
