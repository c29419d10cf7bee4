// What is read of the machine, from recorded trees of /proc and /sys that the suite writes to a temporary folder, and
// that this machine's own description agrees with itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conformance.h"

typedef struct entry {
  const char *path, *text;
} entry;

#define CPU "/sys/devices/system/cpu/"
#define CACHES(cpu)                                                                                     \
  {CPU cpu "/cache/index0/level", "1\n"}, {CPU cpu "/cache/index0/type", "Data\n"},                     \
      {CPU cpu "/cache/index0/size", "32K\n"}, {CPU cpu "/cache/index1/level", "1\n"},                  \
      {CPU cpu "/cache/index1/type", "Instruction\n"}, {CPU cpu "/cache/index1/size", "64K\n"},         \
      {CPU cpu "/cache/index2/level", "2\n"}, {CPU cpu "/cache/index2/type", "Unified\n"},              \
      {CPU cpu "/cache/index2/size", "1024K\n"}, {CPU cpu "/cache/index3/level", "3\n"},                \
      {CPU cpu "/cache/index3/type", "Unified\n"}, { CPU cpu "/cache/index3/size", "32M\n" }

// Two sockets of two cores of two threads; an offline processor; version 2 with a parent that allows less.
static const entry server[] = {
    {"/proc/cpuinfo",
     "processor\t: 0\nvendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 9354 32-Core Processor\n"
     "flags\t\t: fpu avx avx2 fma f16c avx512f avx512_vnni avx5124fmaps\n\nprocessor\t: 1\nmodel name\t: other\n"},
    {"/proc/thread-self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-2,4-6\n"},
    {"/proc/self/cgroup", "0::/kubepods/pod7/inner\n"},
    {"/sys/fs/cgroup/kubepods/pod7/inner/cpu.max", "800000 100000\n"},
    {"/sys/fs/cgroup/kubepods/pod7/cpu.max", "250000 100000\n"},
    {"/sys/fs/cgroup/kubepods/cpu.max", "max 100000\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"/sys/devices/system/node/online", "0-1\n"},
    {CPU "online", "0-7\n"},
    {CPU "cpu0/topology/core_cpus_list", "0,4\n"},
    {CPU "cpu1/topology/core_cpus_list", "1,5\n"},
    {CPU "cpu2/topology/thread_siblings_list", "2,6\n"},
    {CPU "cpu3/topology/thread_siblings_list", "3,7\n"},
    {CPU "cpu4/topology/core_cpus_list", "0,4\n"},
    {CPU "cpu5/topology/core_cpus_list", "1,5\n"},
    {CPU "cpu6/topology/thread_siblings_list", "2,6\n"},
    {CPU "cpu7/topology/thread_siblings_list", "3,7\n"},
    {CPU "cpu0/topology/physical_package_id", "0\n"},
    {CPU "cpu1/topology/physical_package_id", "0\n"},
    {CPU "cpu2/topology/physical_package_id", "1\n"},
    {CPU "cpu3/topology/physical_package_id", "1\n"},
    CACHES("cpu0"),
    {NULL, NULL},
};

// aarch64 under version 1, quota 1.5 at the mount's root, as a container without its own namespace sees it.
static const entry container[] = {
    {"/proc/cpuinfo", "processor\t: 0\nFeatures\t: fp asimd asimddp i8mm bf16 sve\nCPU implementer\t: 0x41\n"
                      "CPU part\t: 0xd4f\n"},
    {"/proc/self/cgroup", "5:cpuset:/docker/9\n4:cpu,cpuacct:/docker/9\n1:name=systemd:/docker/9\n"},
    {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n"},
    {"/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"},
    {CPU "online", "0-3\n"},
    {NULL, NULL},
};

// No limit: version 2's "max", version 1's -1, a path that leaves the namespace; a mask of one thread of two cores.
static const entry unlimited[] = {
    {"/proc/thread-self/status", "Cpus_allowed_list:\t1\n"},
    {"/proc/self/cgroup", "0::/../other\n3:cpu:/\n"},
    {"/sys/fs/cgroup/cpu.max", "max 100000\n"},
    {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
    {"/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
    {CPU "online", "0-1\n"},
    {NULL, NULL},
};

// Nothing here is what it should be.
static const entry broken[] = {
    {"/proc/cpuinfo", "vendor_id\nmodel name\t: \nflags"},
    {"/proc/thread-self/status", "Cpus_allowed_list:\t99999999999999999999999-\n"},
    {"/proc/self/cgroup", "::::\n0::\nnothing\n0::/a/b/"},
    {"/sys/fs/cgroup/cpu.max", "100000"},
    {"/sys/fs/cgroup/a/cpu.max", "99999999999999999999999999 1\n"},
    {"/sys/fs/cgroup/a/b/cpu.max", "5 0\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "[a word that is longer than the room for it]"},
    {"/sys/devices/system/node/online", "-3\n"},
    {CPU "online", "0-4000000000,x\n"},
    {CPU "cpu0/topology/core_cpus_list", "9999999\n"},
    {CPU "cpu0/cache/index0/level", "x"},
    {CPU "cpu0/cache/index0/type", ""},
    {CPU "cpu0/cache/index0/size", "99999999999999999999G"},
    {NULL, NULL},
};

static bool write_file(const char *root, const entry *file) {
  char path[512];
  snprintf(path, sizeof path, "%s%s", root, file->path);
  for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')) != NULL; at++) {
    *at = 0;
    mkdir(path, 0700);
    *at = '/';
  }
  FILE *out = fopen(path, "w");
  if (out == NULL) return false;
  fputs(file->text, out);
  return fclose(out) == 0;
}

// Files first, then the folders that they leave empty.
static void remove_tree(const char *root, const entry *files) {
  char path[512];
  for (const entry *file = files; file->path; file++) {
    snprintf(path, sizeof path, "%s%s", root, file->path);
    unlink(path);
  }
  for (int pass = 0; pass < 2; pass++) {
    for (const entry *file = files; file->path; file++) {
      snprintf(path, sizeof path, "%s%s", root, file->path);
      for (char *slash; (slash = strrchr(path, '/')) != NULL && (size_t)(slash - path) > strlen(root);) {
        *slash = 0;
        rmdir(path);
      }
    }
  }
  rmdir(root);
}

static ck_hardware read_tree(const entry *files, ck_report *report) {
  ck_hardware hardware = {.struct_size = sizeof hardware};
  const char *folder = getenv("TMPDIR");
  char root[256];
  snprintf(root, sizeof root, "%s/gobi-hardware-XXXXXX", folder && *folder ? folder : "/tmp");
  if (!ck_check(report, mkdtemp(root) != NULL, "no temporary folder")) return hardware;
  for (const entry *file = files; file->path; file++)
    ck_check(report, write_file(root, file), "cannot write %s", file->path);
  ck_check(report, ck_hardware_describe_at(root, &hardware) == CK_OK, "describe failed");
  remove_tree(root, files);
  ck_check(report, access(root, F_OK) != 0, "%s was left behind", root);
  return hardware;
}

static void check_numbers(ck_report *report, const char *name, const ck_hardware *h, const uint32_t expected[7],
                          double quota) {
  const uint32_t found[7] = {h->logical_cores,   h->physical_cores,   h->sockets, h->numa_nodes,
                             h->allowed_logical, h->allowed_physical, h->threads};
  static const char *const names[7] = {"logical", "physical", "sockets", "nodes", "allowed", "allowed cores", "threads"};
  for (int i = 0; i < 7; i++)
    ck_check(report, found[i] == expected[i], "%s: %u %s, expected %u", name, found[i], names[i], expected[i]);
  ck_check(report, h->quota == quota, "%s: quota %g, expected %g", name, h->quota, quota);
}

static void check_text(ck_report *report, const char *name, const char *found, const char *expected) {
  ck_check(report, strcmp(found, expected) == 0, "%s: '%s', expected '%s'", name, found, expected);
}

static void check_trees(ck_report *report) {
  ck_hardware h = read_tree(server, report);
  check_numbers(report, "server", &h, (const uint32_t[]){8, 4, 2, 2, 6, 3, 3}, 2.5);
  check_text(report, "server", h.vendor, "AuthenticAMD");
  check_text(report, "server", h.model, "AMD EPYC 9354 32-Core Processor");
  check_text(report, "server", h.features, "avx avx2 fma f16c avx512f avx512_vnni");
  check_text(report, "server", h.huge_pages, "madvise");
  ck_check(report, h.l1d_bytes == 32 << 10 && h.l2_bytes == 1 << 20 && h.l3_bytes == 32 << 20, "server: caches");
  h = read_tree(container, report);
  check_numbers(report, "container", &h, (const uint32_t[]){4, 4, 1, 1, 4, 4, 2}, 1.5);
  check_text(report, "container", h.vendor, "ARM");
  check_text(report, "container", h.model, "Neoverse-V2");
  check_text(report, "container", h.features, "asimd asimddp i8mm bf16 sve");
  check_text(report, "container", h.huge_pages, "always");
  h = read_tree(unlimited, report);
  check_numbers(report, "unlimited", &h, (const uint32_t[]){2, 2, 1, 1, 1, 1, 1}, 0);
  h = read_tree(broken, report);
  check_numbers(report, "broken", &h, (const uint32_t[]){8192, 8192, 1, 1, 8192, 8192, 1024}, 0);
  check_text(report, "broken", h.model, "");
  check_text(report, "broken", h.huge_pages, "");
  ck_check(report, h.l1d_bytes == 0, "broken: %llu bytes of cache", (unsigned long long)h.l1d_bytes);
  const entry nothing[] = {{"/proc/unrelated", ""}, {NULL, NULL}};
  h = read_tree(nothing, report);
  check_numbers(report, "nothing", &h, (const uint32_t[]){1, 1, 1, 1, 1, 1, 1}, 0);
}

void ck_conform_hardware(ck_runtime *runtime, ck_effort effort, ck_report *report) {
  (void)effort;
  check_trees(report);
  ck_hardware h = {.struct_size = sizeof h}, small = {.struct_size = 8};
  ck_check(report, ck_hardware_describe(&h) == CK_OK, "this machine cannot be described");
  ck_check(report, h.threads >= 1 && h.threads <= h.allowed_physical, "%u threads", h.threads);
  ck_check(report, h.allowed_physical <= h.allowed_logical && h.allowed_logical <= h.logical_cores, "allowed cores");
  ck_check(report, h.physical_cores <= h.logical_cores && h.sockets <= h.physical_cores, "cores and sockets");
  ck_check(report, h.logical_cores == (uint32_t)sysconf(_SC_NPROCESSORS_ONLN), "%u processors", h.logical_cores);
  ck_runtime_options options = {.struct_size = sizeof options, .threads = 0, .isa = ck_runtime_isa(runtime)};
  ck_runtime *own = NULL;
  if (ck_check(report, ck_runtime_create(&options, &own) == CK_OK, "no runtime of default threads"))
    ck_check(report, ck_runtime_threads(own) == h.threads, "a runtime starts %u threads", ck_runtime_threads(own));
  ck_runtime_destroy(own);
  ck_check(report, ck_hardware_describe(&small) == CK_INVALID_ARGUMENT, "a struct too small");
  ck_check(report, ck_hardware_describe(NULL) == CK_INVALID_ARGUMENT, "no struct");
  ck_check(report, ck_hardware_describe_at(NULL, &h) == CK_INVALID_ARGUMENT, "no root");
}
