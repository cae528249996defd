/* A disk that fails on demand, preloaded into the server (LD_PRELOAD): writes and syncs of files below SENDMUX_DISK_FOLDER
 * do what the file SENDMUX_DISK_MODE says at that moment:
 *   full        no space is left (ENOSPC)
 *   some-full   no space is left for one write in three hundred
 *   sync        syncs fail (EIO), as they do once the device below a file system has failed
 *   anything else, or no file: they work
 * What `full` refuses was not written; what `sync` refuses was. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum mode { WORKS, FULL, SOME_FULL, SYNC };

static enum mode mode(void) {
  const char *path = getenv("SENDMUX_DISK_MODE");
  if (!path) return WORKS;
  int saved = errno;
  int (*open_it)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
  int file = open_it(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    errno = saved;
    return WORKS;
  }
  char text[16] = "";
  ssize_t length = read(file, text, sizeof text - 1);
  close(file);
  errno = saved;
  if (length <= 0) return WORKS;
  if (!strncmp(text, "full", 4)) return FULL;
  if (!strncmp(text, "some-full", 9)) return SOME_FULL;
  if (!strncmp(text, "sync", 4)) return SYNC;
  return WORKS;
}

static int concerns(int file) {
  const char *folder = getenv("SENDMUX_DISK_FOLDER");
  char link[64], path[4096];
  if (!folder) return 0;
  int saved = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  errno = saved;
  if (length <= 0) return 0;
  path[length] = 0;
  return !strncmp(path, folder, strlen(folder));
}

static int refuses_write(int file) {
  static atomic_uint writes;
  enum mode now = mode();
  if (now != FULL && now != SOME_FULL) return 0;
  if (!concerns(file)) return 0;
  if (now == SOME_FULL && atomic_fetch_add(&writes, 1) % 300 != 299) return 0;
  errno = ENOSPC;
  return 1;
}

static int refuses_sync(int file) {
  if (mode() != SYNC || !concerns(file)) return 0;
  errno = EIO;
  return 1;
}

ssize_t write(int file, const void *data, size_t length) {
  static ssize_t (*real)(int, const void *, size_t);
  if (!real) real = dlsym(RTLD_NEXT, "write");
  return refuses_write(file) ? -1 : real(file, data, length);
}

ssize_t pwrite(int file, const void *data, size_t length, off_t at) {
  static ssize_t (*real)(int, const void *, size_t, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite");
  return refuses_write(file) ? -1 : real(file, data, length, at);
}

ssize_t pwrite64(int file, const void *data, size_t length, off64_t at) {
  static ssize_t (*real)(int, const void *, size_t, off64_t);
  if (!real) real = dlsym(RTLD_NEXT, "pwrite64");
  return refuses_write(file) ? -1 : real(file, data, length, at);
}

int ftruncate(int file, off_t length) {
  static int (*real)(int, off_t);
  if (!real) real = dlsym(RTLD_NEXT, "ftruncate");
  return refuses_write(file) ? -1 : real(file, length);
}

int fsync(int file) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fsync");
  return refuses_sync(file) ? -1 : real(file);
}

int fdatasync(int file) {
  static int (*real)(int);
  if (!real) real = dlsym(RTLD_NEXT, "fdatasync");
  return refuses_sync(file) ? -1 : real(file);
}
