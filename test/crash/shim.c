// Preloaded into the executable (LD_PRELOAD) by the crash tests. It intercepts each operation of SQLite on the database's
// files. It kills the process after the n-th operation, or records all operations so that a power cut can be replayed.
//
//   CRASH_MATCH  count operations on paths that contain this text
//   CRASH_AT     SIGKILL right after this many operations
//   CRASH_TRACE  append a record of each operation to this file (see power-cut.ts)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static const char *match;
static long crash_at = -1, count;
static int trace = -1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void start(void) {
  const char *at = getenv("CRASH_AT"), *path = getenv("CRASH_TRACE");
  match = getenv("CRASH_MATCH");
  if (at) crash_at = atol(at);
  if (path) trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  // Do not watch programs that tasks start.
  unsetenv("LD_PRELOAD");
}

// A raw system call, because `write` may be intercepted.
static void put(const void *bytes, size_t size) {
  for (const char *at = bytes; size > 0;) {
    long n = syscall(SYS_write, trace, at, size);
    if (n <= 0) return;
    at += n;
    size -= (size_t)n;
  }
}

static void record(char type, const char *path, int64_t offset, const void *data, size_t size) {
  if (trace < 0) return;
  uint32_t head[2] = {(uint32_t)strlen(path), (uint32_t)size};
  put(&type, 1);
  put(head, sizeof head);
  put(&offset, sizeof offset);
  put(path, head[0]);
  if (data) put(data, size);
}

static int path_of(int fd, char *path, size_t size) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, size - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return match && strstr(path, match) != NULL;
}

static void happened(char type, const char *path, int64_t offset, const void *data, size_t size) {
  record(type, path, offset, data, size);
  if (crash_at >= 0 && type != 'n' && ++count >= crash_at) kill(getpid(), SIGKILL);
}

// One lock covers the operation and its record, so that the trace is in the order of the operations.
#define REAL(type, name, params) \
  static type(*real) params;      \
  if (!real) real = (type(*) params)dlsym(RTLD_NEXT, #name)

#define OPERATION(result, call, type, fd, offset, data, size)             \
  char path[4096];                                                        \
  if (!path_of(fd, path, sizeof path)) return call;                       \
  pthread_mutex_lock(&mutex);                                             \
  result done = call;                                                     \
  if (done >= 0) happened(type, path, offset, data, size);                \
  pthread_mutex_unlock(&mutex);                                           \
  return done

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  REAL(ssize_t, pwrite64, (int, const void *, size_t, off64_t));
  OPERATION(ssize_t, real(fd, data, size, offset), 'w', fd, offset, data, size);
}

int ftruncate64(int fd, off64_t size) {
  REAL(int, ftruncate64, (int, off64_t));
  OPERATION(int, real(fd, size), 't', fd, size, NULL, 0);
}

int ftruncate(int fd, off_t size) {
  REAL(int, ftruncate, (int, off_t));
  OPERATION(int, real(fd, size), 't', fd, size, NULL, 0);
}

int fsync(int fd) {
  REAL(int, fsync, (int));
  OPERATION(int, real(fd), 's', fd, 0, NULL, 0);
}

int fdatasync(int fd) {
  REAL(int, fdatasync, (int));
  OPERATION(int, real(fd), 's', fd, 0, NULL, 0);
}

int unlink(const char *path) {
  REAL(int, unlink, (const char *));
  if (!match || !strstr(path, match)) return real(path);
  pthread_mutex_lock(&mutex);
  int done = real(path);
  if (done == 0) happened('u', path, 0, NULL, 0);
  pthread_mutex_unlock(&mutex);
  return done;
}

// Called by the pipelines: records an announcement in order with the operations.
void note(const char *text) {
  pthread_mutex_lock(&mutex);
  happened('n', text, 0, NULL, 0);
  pthread_mutex_unlock(&mutex);
}
