// How much processor time control groups allow this process: the smallest limit up the tree, for a child's limit may
// exceed its parent's.
#include "hardware/cgroup.h"

#include <string.h>

#include "hardware/files.h"

enum { TEXT = 4096 };

static double smaller(double a, double b) { return a == 0 || (b != 0 && b < a) ? b : a; }

static double ratio(const char *quota, const char *period) {
  uint64_t part, whole;
  // "max" (version 2) and -1 (version 1) are no numbers, and mean no limit.
  if (!ck_number(quota, &part) || !ck_number(period, &whole) || part == 0 || whole == 0) return 0;
  return (double)part / (double)whole;
}

static double quota_v2(const char *root, const char *mount, const char *path) {
  char text[TEXT];
  if (!ck_file_read(text, sizeof text, root, "%s%s/cpu.max", mount, path)) return 0;
  const char *space = strchr(text, ' ');
  return space ? ratio(text, space + 1) : 0;
}

static double quota_v1(const char *root, const char *mount, const char *path) {
  char quota[64], period[64];
  if (!ck_file_read(quota, sizeof quota, root, "%s%s/cpu.cfs_quota_us", mount, path) ||
      !ck_file_read(period, sizeof period, root, "%s%s/cpu.cfs_period_us", mount, path))
    return 0;
  return ratio(quota, period);
}

// From `path` up to the mount point. A path that leaves the namespace ("/../x") is only looked at from its root.
static double up_the_tree(const char *root, const char *mount, const char *path,
                          double (*quota)(const char *, const char *, const char *)) {
  char at[TEXT];
  size_t length = strnlen(path, sizeof at - 1);
  double least = 0;
  memcpy(at, path, length);
  at[length] = 0;
  if (strstr(at, "..") != NULL) at[0] = 0;
  for (;;) {
    char *slash = strrchr(at, '/');
    if (slash != NULL && slash[1] == 0) {
      *slash = 0;
      continue;
    }
    least = smaller(least, quota(root, mount, at));
    if (slash == NULL) return least;
    *slash = 0;
  }
}

// True if the comma-separated `controllers` name cpu.
static bool names_cpu(const char *controllers) {
  for (const char *at = controllers; (at = strstr(at, "cpu")) != NULL; at += 3)
    if ((at == controllers || at[-1] == ',') && (at[3] == 0 || at[3] == ',')) return true;
  return false;
}

static double quota_of_line(const char *root, char *controllers, const char *path) {
  if (*controllers == 0)
    return smaller(up_the_tree(root, "/sys/fs/cgroup", path, quota_v2),
                   up_the_tree(root, "/sys/fs/cgroup/unified", path, quota_v2));
  if (!names_cpu(controllers)) return 0;
  return smaller(up_the_tree(root, "/sys/fs/cgroup/cpu", path, quota_v1),
                 up_the_tree(root, "/sys/fs/cgroup/cpu,cpuacct", path, quota_v1));
}

double ck_cgroup_quota(const char *root) {
  char text[2 * TEXT];
  double least = 0;
  if (!ck_file_read(text, sizeof text, root, "/proc/self/cgroup")) return 0;
  // Lines are "number:controllers:path"; version 2's has no controllers.
  for (char *line = text, *next; line != NULL && *line != 0; line = next) {
    next = strchr(line, '\n');
    if (next != NULL) *next++ = 0;
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (path == NULL) continue;
    *path++ = 0;
    least = smaller(least, quota_of_line(root, controllers + 1, path));
  }
  return least;
}
