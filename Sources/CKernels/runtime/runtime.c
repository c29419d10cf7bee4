// Starts and ends a runtime: chooses the ISA and the number of threads. The kernels are chosen in dispatch/.
#include "runtime/runtime.h"

#include <stdlib.h>

#include "hardware/isa.h"
#include "hardware/topology.h"

static _Thread_local const int32_t *cancel_flag;

void ck_set_cancel_flag(const int32_t *flag) { cancel_flag = flag; }
const int32_t *ck_cancel_flag(void) { return cancel_flag; }

static ck_status choose_isa(ck_isa asked, ck_isa *isa) {
  if (asked == CK_ISA_AUTO) {
    const char *forced = getenv("GOBI_ISA");
    if (forced == NULL || *forced == 0) {
      *isa = ck_isa_best();
      return CK_OK;
    }
    asked = ck_isa_named(forced);
  }
  if (!ck_isa_available(asked)) return CK_UNSUPPORTED;
  *isa = asked;
  return CK_OK;
}

ck_status ck_runtime_create(const ck_runtime_options *options, ck_runtime **out) {
  const ck_runtime_options defaults = {.struct_size = sizeof defaults, .threads = 0, .isa = CK_ISA_AUTO};
  if (options == NULL) options = &defaults;
  if (out == NULL || options->struct_size < sizeof defaults || options->threads > CK_MAX_THREADS)
    return CK_INVALID_ARGUMENT;
  ck_isa isa;
  ck_status status = choose_isa(options->isa, &isa);
  if (status != CK_OK) return status;
  ck_runtime *runtime = calloc(1, sizeof *runtime);
  if (runtime == NULL) return CK_OUT_OF_MEMORY;
  ck_table_fill(&runtime->table, isa);
  const uint32_t threads = options->threads ? options->threads : ck_default_threads();
  runtime->matmul_scratch = aligned_alloc(64, threads * sizeof *runtime->matmul_scratch);
  status = runtime->matmul_scratch ? ck_pool_create(threads, &runtime->pool) : CK_OUT_OF_MEMORY;
  if (status != CK_OK) {
    free(runtime->matmul_scratch);
    free(runtime);
    return status;
  }
  *out = runtime;
  return CK_OK;
}

void ck_runtime_destroy(ck_runtime *runtime) {
  if (runtime == NULL) return;
  ck_pool_destroy(runtime->pool);
  free(runtime->matmul_scratch);
  free(runtime);
}

uint32_t ck_runtime_threads(const ck_runtime *runtime) { return runtime ? ck_pool_threads(runtime->pool) : 0; }
ck_isa ck_runtime_isa(const ck_runtime *runtime) { return runtime ? runtime->table.isa : CK_ISA_AUTO; }

ck_status ck_run(ck_runtime *runtime, ck_task task, void *context) {
  if (ck_cancelled(cancel_flag)) return CK_CANCELLED;
  ck_pool_run(runtime->pool, task, context);
  return ck_cancelled(cancel_flag) ? CK_CANCELLED : CK_OK;
}

ck_status ck_parallel(ck_runtime *runtime, void (*task)(void *, uint32_t, uint32_t), void *context) {
  if (runtime == NULL || task == NULL) return CK_INVALID_ARGUMENT;
  return ck_run(runtime, task, context);
}
