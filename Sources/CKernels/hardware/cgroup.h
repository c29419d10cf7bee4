// How much processor time control groups allow this process. Versions 1 and 2, at their usual mount points.
#ifndef CK_HARDWARE_CGROUP_H
#define CK_HARDWARE_CGROUP_H

/// The smallest quota of the process's group and of those above it, in processors (1.5 is 150 % of one); 0 if none.
double ck_cgroup_quota(const char *root);

#endif
