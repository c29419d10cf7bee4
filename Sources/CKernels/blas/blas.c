// CBLAS and LAPACKE behind the kernel ABI: sizes are checked, orders and errors translated. CK_WITHOUT_BLAS builds
// the same calls without the libraries, for cross-compiling; each then answers CK_UNSUPPORTED.
#include "blas/blas.h"

#include <limits.h>

#ifndef CK_WITHOUT_BLAS
#include <cblas.h>
#include <lapacke.h>

// OpenBLAS has these of its own; another CBLAS links without them.
extern void openblas_set_num_threads(int) __attribute__((weak));
extern int openblas_get_num_threads(void) __attribute__((weak));
extern char *openblas_get_config(void) __attribute__((weak));
extern char *openblas_get_corename(void) __attribute__((weak));

bool ck_blas_fits(size_t value) {
  return value <= (sizeof(blasint) == 8 ? (size_t)INT64_MAX : (size_t)INT32_MAX) &&
         value <= (sizeof(lapack_int) == 8 ? (size_t)INT64_MAX : (size_t)INT32_MAX);
}

static bool gemm_is_sound(const ck_gemm_args *args, const void *a, const void *b, const void *y) {
  if (args == NULL || args->struct_size < sizeof *args || a == NULL || b == NULL || y == NULL) return false;
  if (args->m == 0 || args->n == 0 || args->k == 0) return false;
  return args->lda >= (args->transpose_a ? args->m : args->k) && args->ldb >= (args->transpose_b ? args->k : args->n) &&
         args->ldy >= args->n && ck_blas_fits(args->m) && ck_blas_fits(args->n) && ck_blas_fits(args->k) &&
         ck_blas_fits(args->lda) && ck_blas_fits(args->ldb) && ck_blas_fits(args->ldy);
}

ck_status ck_blas_sgemm(const ck_gemm_args *args, const float *a, const float *b, float *y) {
  if (!gemm_is_sound(args, a, b, y)) return CK_INVALID_ARGUMENT;
  cblas_sgemm(CblasRowMajor, args->transpose_a ? CblasTrans : CblasNoTrans,
              args->transpose_b ? CblasTrans : CblasNoTrans, (blasint)args->m, (blasint)args->n, (blasint)args->k,
              (float)args->alpha, a, (blasint)args->lda, b, (blasint)args->ldb, (float)args->beta, y,
              (blasint)args->ldy);
  return CK_OK;
}

ck_status ck_blas_dgemm(const ck_gemm_args *args, const double *a, const double *b, double *y) {
  if (!gemm_is_sound(args, a, b, y)) return CK_INVALID_ARGUMENT;
  cblas_dgemm(CblasRowMajor, args->transpose_a ? CblasTrans : CblasNoTrans,
              args->transpose_b ? CblasTrans : CblasNoTrans, (blasint)args->m, (blasint)args->n, (blasint)args->k,
              args->alpha, a, (blasint)args->lda, b, (blasint)args->ldb, args->beta, y, (blasint)args->ldy);
  return CK_OK;
}

static ck_status lapack_status(lapack_int info) {
  if (info == 0) return CK_OK;
  if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR) return CK_OUT_OF_MEMORY;
  return info < 0 ? CK_INVALID_ARGUMENT : CK_NUMERIC;
}

// Pivots are int32_t in the ABI: a LAPACK with 64-bit integers would write past them.
static bool solve_is_sound(size_t n, const double *a, size_t lda, const int32_t *pivots) {
  return n > 0 && a != NULL && pivots != NULL && lda >= n && ck_blas_fits(n) && ck_blas_fits(lda) &&
         sizeof(lapack_int) == sizeof(int32_t);
}

ck_status ck_lapack_solve(size_t n, double *a, size_t lda, int32_t *pivots, double *b) {
  if (b == NULL || !solve_is_sound(n, a, lda, pivots)) return CK_INVALID_ARGUMENT;
  lapack_int order = (lapack_int)n;
  lapack_int info = LAPACKE_dgetrf(LAPACK_COL_MAJOR, order, order, a, (lapack_int)lda, pivots);
  if (info != 0) return lapack_status(info);
  return lapack_status(LAPACKE_dgetrs(LAPACK_COL_MAJOR, 'N', order, 1, a, (lapack_int)lda, pivots, b, order));
}

ck_status ck_lapack_solve_mixed(size_t n, double *a, size_t lda, int32_t *pivots, const double *b, double *x,
                                int32_t *refinements) {
  if (b == NULL || x == NULL || refinements == NULL || !solve_is_sound(n, a, lda, pivots)) return CK_INVALID_ARGUMENT;
  lapack_int order = (lapack_int)n, rounds = 0;
  // LAPACKE declares b without const and does not write to it.
  lapack_int info = LAPACKE_dsgesv(LAPACK_COL_MAJOR, order, 1, a, (lapack_int)lda, pivots, (double *)(uintptr_t)b,
                                   order, x, order, &rounds);
  if (info == 0) *refinements = rounds;
  return lapack_status(info);
}

ck_status ck_blas_set_threads(uint32_t threads) {
  if (threads == 0 || threads > INT_MAX) return CK_INVALID_ARGUMENT;
  if (openblas_set_num_threads == NULL) return CK_UNSUPPORTED;
  openblas_set_num_threads((int)threads);
  return CK_OK;
}

ck_status ck_blas_describe(ck_blas_info *info) {
  if (info == NULL) return CK_INVALID_ARGUMENT;
  const char *library = openblas_get_config ? openblas_get_config() : "a BLAS that does not describe itself";
  const char *core = openblas_get_corename ? openblas_get_corename() : "";
  int threads = openblas_get_num_threads ? openblas_get_num_threads() : 1;
  *info = (ck_blas_info){library, core, threads > 0 ? (uint32_t)threads : 1};
  return CK_OK;
}

#else

bool ck_blas_fits(size_t value) { return value <= INT32_MAX; }

ck_status ck_blas_sgemm(const ck_gemm_args *args, const float *a, const float *b, float *y) {
  (void)args, (void)a, (void)b, (void)y;
  return CK_UNSUPPORTED;
}

ck_status ck_blas_dgemm(const ck_gemm_args *args, const double *a, const double *b, double *y) {
  (void)args, (void)a, (void)b, (void)y;
  return CK_UNSUPPORTED;
}

ck_status ck_lapack_solve(size_t n, double *a, size_t lda, int32_t *pivots, double *b) {
  (void)n, (void)a, (void)lda, (void)pivots, (void)b;
  return CK_UNSUPPORTED;
}

ck_status ck_lapack_solve_mixed(size_t n, double *a, size_t lda, int32_t *pivots, const double *b, double *x,
                                int32_t *refinements) {
  (void)n, (void)a, (void)lda, (void)pivots, (void)b, (void)x, (void)refinements;
  return CK_UNSUPPORTED;
}

ck_status ck_blas_set_threads(uint32_t threads) {
  (void)threads;
  return CK_UNSUPPORTED;
}

ck_status ck_blas_describe(ck_blas_info *info) {
  (void)info;
  return CK_UNSUPPORTED;
}

#endif
