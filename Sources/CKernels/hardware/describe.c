// What the machine is: its name, its features, and with topology.c its parts.
#include <string.h>

#include "hardware/files.h"
#include "hardware/topology.h"

// The system's names of what kernels use or could use; x86's first.
static const char *const features[] = {
    "sse4_2",      "avx",         "avx2",        "fma",         "f16c",     "avx_vnni", "avx512f", "avx512bw",
    "avx512vl",    "avx512dq",    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_int8", "amx_bf16",
    "asimd",       "asimdhp",     "asimddp",     "i8mm",        "bf16",     "sve",      "sve2",    "sme",
};

static bool word_in(const char *list, const char *word) {
  const size_t length = strlen(word);
  for (const char *at = list; (at = strstr(at, word)) != NULL; at += length)
    if ((at == list || at[-1] == ' ') && (at[length] == 0 || at[length] == ' ')) return true;
  return false;
}

static void append(char *text, size_t size, const char *word) {
  size_t used = strlen(text), length = strlen(word);
  if (used + length + 2 > size) return;
  if (used > 0) text[used++] = ' ';
  memcpy(text + used, word, length + 1);
}

static void read_features(const char *cpuinfo, ck_hardware *hardware) {
  char list[8192];
  if (!ck_file_value(cpuinfo, "flags", list, sizeof list) && !ck_file_value(cpuinfo, "Features", list, sizeof list))
    return;
  for (size_t i = 0; i < sizeof features / sizeof *features; i++)
    if (word_in(list, features[i])) append(hardware->features, sizeof hardware->features, features[i]);
}

// aarch64 tells numbers, not names: the implementers and the server cores that are likely here (Arm's MIDR_EL1 lists).
static void name_arm(const char *cpuinfo, ck_hardware *hardware) {
  static const struct {
    const char *number, *name;
  } vendors[] = {{"0x41", "ARM"},      {"0x42", "Broadcom"}, {"0x43", "Cavium"},   {"0x46", "Fujitsu"},
                 {"0x48", "HiSilicon"}, {"0x4e", "NVIDIA"},   {"0x51", "Qualcomm"}, {"0x61", "Apple"},
                 {"0x6d", "Microsoft"}, {"0xc0", "Ampere"}},
    parts[] = {{"0xd08", "Cortex-A72"},  {"0xd0b", "Cortex-A76"},  {"0xd0c", "Neoverse-N1"},
               {"0xd40", "Neoverse-V1"}, {"0xd49", "Neoverse-N2"}, {"0xd4f", "Neoverse-V2"},
               {"0xd84", "Neoverse-V3"}, {"0xd8e", "Neoverse-N3"}};
  char number[32];
  if (!ck_file_value(cpuinfo, "CPU implementer", number, sizeof number)) return;
  append(hardware->vendor, sizeof hardware->vendor, number);
  for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
    if (strcmp(number, vendors[i].number) == 0) strcpy(hardware->vendor, vendors[i].name);
  const bool arm = strcmp(number, "0x41") == 0;
  if (!ck_file_value(cpuinfo, "CPU part", number, sizeof number)) return;
  append(hardware->model, sizeof hardware->model, number);
  for (size_t i = 0; arm && i < sizeof parts / sizeof *parts; i++)
    if (strcmp(number, parts[i].number) == 0) strcpy(hardware->model, parts[i].name);
}

// The word in brackets: "always [madvise] never".
static void read_huge_pages(const char *root, ck_hardware *hardware) {
  char text[128];
  if (!ck_file_read(text, sizeof text, root, "/sys/kernel/mm/transparent_hugepage/enabled")) return;
  const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;
  if (close == NULL || (size_t)(close - open) > sizeof hardware->huge_pages) return;
  memcpy(hardware->huge_pages, open + 1, (size_t)(close - open) - 1);
}

ck_status ck_hardware_describe_at(const char *root, ck_hardware *hardware) {
  if (root == NULL || hardware == NULL || hardware->struct_size < sizeof *hardware) return CK_INVALID_ARGUMENT;
  char cpuinfo[16384];  // the first processor's lines; the others are alike
  ck_hardware found = {.struct_size = hardware->struct_size};
  if (ck_file_read(cpuinfo, sizeof cpuinfo, root, "/proc/cpuinfo")) {
    ck_file_value(cpuinfo, "vendor_id", found.vendor, sizeof found.vendor);
    ck_file_value(cpuinfo, "model name", found.model, sizeof found.model);
    if (found.vendor[0] == 0) name_arm(cpuinfo, &found);
    read_features(cpuinfo, &found);
  }
  read_huge_pages(root, &found);
  ck_topology_read(root, &found);
  *hardware = found;
  return CK_OK;
}

ck_status ck_hardware_describe(ck_hardware *hardware) { return ck_hardware_describe_at("", hardware); }
