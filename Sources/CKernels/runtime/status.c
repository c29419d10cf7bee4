// Status codes in words.
#include "ckernels.h"

const char *ck_status_name(ck_status status) {
  switch (status) {
    case CK_OK: return "ok";
    case CK_INVALID_ARGUMENT: return "invalid argument";
    case CK_UNSUPPORTED: return "unsupported";
    case CK_OUT_OF_MEMORY: return "out of memory";
    case CK_CANCELLED: return "cancelled";
    case CK_SYSTEM: return "system call failed";
    case CK_BUSY: return "busy";
    case CK_NUMERIC: return "singular matrix";
  }
  return "unknown status";
}
