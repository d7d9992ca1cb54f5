// Records what SQLite does to the files of a database, so that a power cut can be replayed (power-cut.ts). Compiled by
// TinyCC at run time, for 64-bit Linux (glibc, musl). It replaces the addresses of C functions that the executable was
// linked to: SQLite is a part of the executable, and calls the system through them only.
//
// A record: type, two lengths (u32), offset (i64), path, data. Writes, truncations and removals are recorded before they
// happen, because a kill may come in between; a sync is recorded after it has succeeded, because it is a promise.

typedef unsigned int u32;
typedef unsigned long u64;

#define write ((long (*)(int, const void *, u64))ADDRESS_write)
#define pwrite ((long (*)(int, const void *, u64, long))ADDRESS_pwrite)
#define ftruncate ((int (*)(int, long))ADDRESS_ftruncate)
#define fsync ((int (*)(int))ADDRESS_fsync)
#define fdatasync ((int (*)(int))ADDRESS_fdatasync)
#define unlink ((int (*)(const char *))ADDRESS_unlink)
#define open ((int (*)(const char *, int, ...))ADDRESS_open)
#define readlink ((long (*)(const char *, char *, u64))ADDRESS_readlink)
#define snprintf ((int (*)(char *, u64, const char *, ...))ADDRESS_snprintf)
#define strlen ((u64 (*)(const char *))ADDRESS_strlen)
#define strcmp ((int (*)(const char *, const char *))ADDRESS_strcmp)
#define strncmp ((int (*)(const char *, const char *, u64))ADDRESS_strncmp)
#define mprotect ((int (*)(void *, u64, int))ADDRESS_mprotect)
#define getauxval ((u64 (*)(u64))ADDRESS_getauxval)
#define pthread_mutex_lock ((int (*)(void *))ADDRESS_pthread_mutex_lock)
#define pthread_mutex_unlock ((int (*)(void *))ADDRESS_pthread_mutex_unlock)

// PTHREAD_MUTEX_INITIALIZER is all zeros.
static u64 mutex[16];
static int trace = -1;
static const char *database, *folder;
static u64 database_length;

// More is not recorded: then the records do not explain the files, and no power is cut.
enum { most_bytes = 512 * 1024 * 1024 };
static u64 recorded;

static void put(const void *bytes, u64 size) {
  const char *at = bytes;
  recorded += size;
  if (recorded > most_bytes) return;
  while (size > 0) {
    long n = write(trace, at, size);
    if (n <= 0) return;
    at += n;
    size -= n;
  }
}

static void record(char type, const char *path, long offset, const void *data, u64 size) {
  char head[17];
  u32 lengths[2];
  int i;
  lengths[0] = strlen(path);
  lengths[1] = size;
  head[0] = type;
  for (i = 0; i < 8; i++) head[1 + i] = ((char *)lengths)[i];
  for (i = 0; i < 8; i++) head[9 + i] = ((char *)&offset)[i];
  put(head, sizeof head);
  put(path, lengths[0]);
  if (size > 0) put(data, size);
}

// The -shm is not worth a record: SQLite makes it again. A removed file has another name here, "… (deleted)".
static int is_watched(const char *path) {
  const char *suffix = path + database_length;
  if (strncmp(path, database, database_length) != 0) return strcmp(path, folder) == 0;
  return *suffix == 0 || strcmp(suffix, "-wal") == 0 || strcmp(suffix, "-journal") == 0;
}

static int path_of(int fd, char *path, u64 size) {
  char link[64];
  long n;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink(link, path, size - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return is_watched(path);
}

static long on_pwrite(int fd, const void *data, u64 size, long offset) {
  char path[4096];
  long done;
  if (!path_of(fd, path, sizeof path)) return pwrite(fd, data, size, offset);
  pthread_mutex_lock(mutex);
  record('w', path, offset, data, size);
  done = pwrite(fd, data, size, offset);
  pthread_mutex_unlock(mutex);
  return done;
}

static int on_ftruncate(int fd, long size) {
  char path[4096];
  int done;
  if (!path_of(fd, path, sizeof path)) return ftruncate(fd, size);
  pthread_mutex_lock(mutex);
  record('t', path, size, 0, 0);
  done = ftruncate(fd, size);
  pthread_mutex_unlock(mutex);
  return done;
}

static int synced(int (*sync)(int), int fd) {
  char path[4096];
  int done;
  if (!path_of(fd, path, sizeof path)) return sync(fd);
  pthread_mutex_lock(mutex);
  done = sync(fd);
  if (done == 0) record('s', path, 0, 0, 0);
  pthread_mutex_unlock(mutex);
  return done;
}

static int on_fsync(int fd) { return synced(fsync, fd); }

static int on_fdatasync(int fd) { return synced(fdatasync, fd); }

static int on_unlink(const char *path) {
  int done;
  if (!is_watched(path)) return unlink(path);
  pthread_mutex_lock(mutex);
  record('u', path, 0, 0, 0);
  done = unlink(path);
  pthread_mutex_unlock(mutex);
  return done;
}

// An announcement of the run, in the order of the operations.
void note(const char *text) {
  pthread_mutex_lock(mutex);
  record('n', text, 0, 0, 0);
  pthread_mutex_unlock(mutex);
}

struct segment {
  u32 type, flags;
  u64 offset, address, physical, file_size, memory_size, align;
};
struct object {
  u64 base;
  const char *name;
  const struct segment *segments;
  unsigned short count;
};
struct entry {
  long tag;
  u64 value;
};
struct symbol {
  u32 name;
  unsigned char info, other;
  unsigned short section;
  u64 value, size;
};
struct relocation {
  u64 offset, info;
  long addend;
};
#define dl_iterate_phdr ((int (*)(int (*)(struct object *, u64, void *), void *))ADDRESS_dl_iterate_phdr)

enum { pt_dynamic = 2 };
enum { dt_pltrelsz = 2, dt_strtab = 5, dt_symtab = 6, dt_rela = 7, dt_relasz = 8, dt_jmprel = 23 };
enum { read_write = 3, at_pagesz = 6 };
// O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC
enum { o_append = 02002101 };

#if defined(__aarch64__)
enum { r_absolute = 257, r_data = 1025, r_function = 1026 };
#else
enum { r_absolute = 1, r_data = 6, r_function = 7 };
#endif

static const struct {
  const char *name;
  void *replacement;
} replaced[] = {
    {"pwrite64", on_pwrite},       {"pwrite", on_pwrite},   {"ftruncate64", on_ftruncate},
    {"ftruncate", on_ftruncate},   {"fsync", on_fsync},     {"fdatasync", on_fdatasync},
    {"unlink", on_unlink},
};

static int patched;

static void patch(u64 base, u64 table, u64 size, const struct symbol *symbols, const char *names) {
  const struct relocation *at = (const struct relocation *)table;
  u64 page = getauxval(at_pagesz);
  for (; (u64)at < table + size; at++) {
    u32 type = (u32)at->info, i;
    const char *name = names + symbols[at->info >> 32].name;
    u64 *slot = (u64 *)(base + at->offset);
    if ((type != r_absolute && type != r_data && type != r_function) || at->info >> 32 == 0) continue;
    for (i = 0; i < sizeof replaced / sizeof *replaced; i++) {
      if (strcmp(name, replaced[i].name) != 0) continue;
      // These pages hold addresses and data, never code. They may be read-only since the program was linked.
      if (mprotect((void *)((u64)slot & ~(page - 1)), page, read_write) != 0) continue;
      *slot = (u64)replaced[i].replacement;
      patched++;
    }
  }
}

// Called for each object in memory; the first one is the executable.
static int see(struct object *object, u64 size, void *data) {
  u64 values[24];
  int i;
  for (i = 0; i < 24; i++) values[i] = 0;
  for (i = 0; i < object->count; i++) {
    const struct segment *segment = object->segments + i;
    const struct entry *entry = (const struct entry *)(object->base + segment->address);
    if (segment->type != pt_dynamic) continue;
    for (; entry->tag != 0; entry++)
      if (entry->tag > 0 && entry->tag < 24) values[entry->tag] = entry->value;
  }
  // glibc adds the base to addresses, musl does not.
#define address(tag) (values[tag] < object->base ? values[tag] + object->base : values[tag])
  if (values[dt_symtab] == 0 || values[dt_strtab] == 0) return 1;
  if (values[dt_rela] != 0)
    patch(object->base, address(dt_rela), values[dt_relasz], (void *)address(dt_symtab),
          (char *)address(dt_strtab));
  if (values[dt_jmprel] != 0)
    patch(object->base, address(dt_jmprel), values[dt_pltrelsz], (void *)address(dt_symtab),
          (char *)address(dt_strtab));
  return 1;
}

// Called once, before any thread starts. The texts stay where they are. Returns how many addresses were replaced.
int start(const char *path, const char *db, const char *in) {
  trace = open(path, o_append, 0600);
  if (trace < 0) return 0;
  database = db;
  database_length = strlen(db);
  folder = in;
  dl_iterate_phdr(see, 0);
  return patched;
}
