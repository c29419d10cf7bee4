// Processors, cores, sockets, NUMA nodes and caches, and what the affinity mask and control groups leave of them.
#include "hardware/topology.h"

#include <math.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "hardware/cgroup.h"
#include "hardware/files.h"

enum { LIST = 8192 };  // a list of 8,192 processors with every other one missing is longer; nobody has that

static void read_list(const char *root, const char *path, ck_processors *set) {
  char list[LIST];
  *set = (ck_processors){0};
  if (ck_file_read(list, sizeof list, root, "%s", path)) ck_processors_parse(list, set);
}

static void online(const char *root, ck_processors *set) {
  read_list(root, "/sys/devices/system/cpu/online", set);
  if (ck_processors_count(set) > 0) return;
  long count = *root == 0 ? sysconf(_SC_NPROCESSORS_ONLN) : 1;
  for (long i = 0; i < (count < 1 ? 1 : count); i++) ck_processors_add(set, (size_t)i);
}

// The calling thread's mask, among those that are online.
static void allowed(const char *root, const ck_processors *on, ck_processors *set) {
  char status[LIST], list[LIST];
  *set = (ck_processors){0};
  if (ck_file_read(status, sizeof status, root, "/proc/thread-self/status") &&
      ck_file_value(status, "Cpus_allowed_list", list, sizeof list)) {
    ck_processors_parse(list, set);
  } else if (*root == 0) {
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) == 0)
      for (size_t i = 0; i < CPU_SETSIZE; i++)
        if (CPU_ISSET(i, &mask)) ck_processors_add(set, i);
  }
  for (size_t i = 0; i < CK_MAX_PROCESSORS / 64; i++) set->words[i] &= on->words[i];
  if (ck_processors_count(set) == 0) *set = *on;
}

// The lowest processor that shares `processor`'s core: the core's name. Itself where the kernel does not tell.
static size_t core_of(const char *root, size_t processor) {
  char list[LIST];
  ck_processors siblings = {0};
  const char *names[] = {"core_cpus_list", "thread_siblings_list"};
  for (int i = 0; i < 2; i++) {
    if (!ck_file_read(list, sizeof list, root, "/sys/devices/system/cpu/cpu%zu/topology/%s", processor, names[i]))
      continue;
    ck_processors_parse(list, &siblings);
    for (size_t p = 0; p < CK_MAX_PROCESSORS; p++)
      if (ck_processors_has(&siblings, p)) return p;
  }
  return processor;
}

static uint32_t cores_of(const char *root, const ck_processors *set) {
  ck_processors cores = {0};
  for (size_t p = 0; p < CK_MAX_PROCESSORS; p++)
    if (ck_processors_has(set, p)) ck_processors_add(&cores, core_of(root, p));
  return ck_processors_count(&cores);
}

static uint32_t sockets_of(const char *root, const ck_processors *set) {
  ck_processors sockets = {0};
  for (size_t p = 0; p < CK_MAX_PROCESSORS; p++) {
    char text[32];
    uint64_t package;
    if (ck_processors_has(set, p) &&
        ck_file_read(text, sizeof text, root, "/sys/devices/system/cpu/cpu%zu/topology/physical_package_id", p) &&
        ck_number(text, &package))
      ck_processors_add(&sockets, package);
  }
  uint32_t count = ck_processors_count(&sockets);
  return count > 0 ? count : 1;
}

// "512K", "32M" or bytes.
static uint64_t cache_bytes(const char *text) {
  uint64_t size;
  if (!ck_number(text, &size)) return 0;
  const char unit = text[strspn(text, "0123456789")];
  const uint64_t factor = unit == 'K' ? 1 << 10 : unit == 'M' ? 1 << 20 : unit == 'G' ? 1 << 30 : 1;
  return __builtin_mul_overflow(size, factor, &size) ? 0 : size;
}

enum { SHORT = 32 };
static bool read_cache(char text[SHORT], const char *root, size_t processor, int index, const char *what) {
  return ck_file_read(text, SHORT, root, "/sys/devices/system/cpu/cpu%zu/cache/index%d/%s", processor, index, what);
}

static void read_caches(const char *root, size_t processor, ck_hardware *hardware) {
  for (int i = 0; i < 16; i++) {
    char level[SHORT], type[SHORT], size[SHORT];
    uint64_t number;
    if (!read_cache(level, root, processor, i, "level") || !read_cache(type, root, processor, i, "type") ||
        !read_cache(size, root, processor, i, "size"))
      return;
    if (!ck_number(level, &number) || strncmp(type, "Instruction", 11) == 0) continue;
    if (number == 1) hardware->l1d_bytes = cache_bytes(size);
    if (number == 2) hardware->l2_bytes = cache_bytes(size);
    if (number == 3) hardware->l3_bytes = cache_bytes(size);
  }
}

void ck_topology_read(const char *root, ck_hardware *hardware) {
  ck_processors on, mine, nodes;
  online(root, &on);
  allowed(root, &on, &mine);
  read_list(root, "/sys/devices/system/node/online", &nodes);
  hardware->logical_cores = ck_processors_count(&on);
  hardware->physical_cores = cores_of(root, &on);
  hardware->sockets = sockets_of(root, &on);
  hardware->numa_nodes = ck_processors_count(&nodes) > 0 ? ck_processors_count(&nodes) : 1;
  hardware->allowed_logical = ck_processors_count(&mine);
  hardware->allowed_physical = cores_of(root, &mine);
  hardware->quota = ck_cgroup_quota(root);
  size_t first = 0;
  while (!ck_processors_has(&mine, first)) first++;
  read_caches(root, first, hardware);
  double threads = hardware->allowed_physical;
  if (hardware->quota > 0 && hardware->quota < threads) threads = ceil(hardware->quota);
  hardware->threads = threads > CK_MAX_THREADS ? CK_MAX_THREADS : (uint32_t)threads;
}

uint32_t ck_default_threads(void) {
  ck_hardware hardware = {0};
  ck_topology_read("", &hardware);
  return hardware.threads;
}
