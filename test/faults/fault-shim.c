/* Preloaded into a program: the n-th call of a kind that is about files below some folders fails with an errno.
   FAULT_CALL open|read|write|sync|stat|list|mkdir|rename, FAULT_ERRNO its number, FAULT_NTH from 1, FAULT_BELOW folders
   with colons between them, FAULT_LOG a file that is told, with a byte, that the call has failed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int count;

static int is_below(const char *path) {
  const char *folder = getenv("FAULT_BELOW");
  while (folder != NULL && *folder != 0) {
    const char *end = strchrnul(folder, ':');
    size_t length = (size_t)(end - folder);
    if (strncmp(path, folder, length) == 0) return 1;
    folder = *end == 0 ? end : end + 1;
  }
  return 0;
}

static int fails(const char *call, const char *path) {
  const char *wanted = getenv("FAULT_CALL");
  if (wanted == NULL || strcmp(wanted, call) != 0 || path == NULL || !is_below(path)) return 0;
  if (atomic_fetch_add(&count, 1) + 1 != atoi(getenv("FAULT_NTH"))) return 0;
  int log = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAULT_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (log >= 0) {
    (void)!syscall(SYS_write, log, path, strlen(path));
    syscall(SYS_close, log);
  }
  errno = atoi(getenv("FAULT_ERRNO"));
  return 1;
}

static int fd_fails(const char *call, int fd) {
  const char *wanted = getenv("FAULT_CALL");
  if (wanted == NULL || strcmp(wanted, call) != 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return fails(call, path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

#define OPEN(name)                                          \
  int name(const char *path, int flags, ...) {              \
    va_list rest;                                           \
    va_start(rest, flags);                                  \
    int mode = va_arg(rest, int);                           \
    va_end(rest);                                           \
    return fails("open", path) ? -1 : NEXT(name)(path, flags, mode); \
  }
#define OPENAT(name)                                        \
  int name(int at, const char *path, int flags, ...) {      \
    va_list rest;                                           \
    va_start(rest, flags);                                  \
    int mode = va_arg(rest, int);                           \
    va_end(rest);                                           \
    return fails("open", path) ? -1 : NEXT(name)(at, path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

#define BUFFER(call, name, pointer)                         \
  ssize_t name(int fd, pointer buffer, size_t size) { return fd_fails(call, fd) ? -1 : NEXT(name)(fd, buffer, size); }
#define POSITIONED(call, name, pointer, offset)             \
  ssize_t name(int fd, pointer buffer, size_t size, offset position) { \
    return fd_fails(call, fd) ? -1 : NEXT(name)(fd, buffer, size, position); \
  }
#define VECTOR(call, name)                                  \
  ssize_t name(int fd, const struct iovec *parts, int size) { return fd_fails(call, fd) ? -1 : NEXT(name)(fd, parts, size); }
#define VECTOR_POSITIONED(call, name, offset)               \
  ssize_t name(int fd, const struct iovec *parts, int size, offset position) { \
    return fd_fails(call, fd) ? -1 : NEXT(name)(fd, parts, size, position); \
  }
#define VECTOR_FLAGS(call, name, offset)                    \
  ssize_t name(int fd, const struct iovec *parts, int size, offset position, int flags) { \
    return fd_fails(call, fd) ? -1 : NEXT(name)(fd, parts, size, position, flags); \
  }
BUFFER("read", read, void *)
POSITIONED("read", pread, void *, off_t)
POSITIONED("read", pread64, void *, off64_t)
VECTOR("read", readv)
VECTOR_POSITIONED("read", preadv, off_t)
VECTOR_POSITIONED("read", preadv64, off64_t)
VECTOR_FLAGS("read", preadv2, off_t)
VECTOR_FLAGS("read", preadv64v2, off64_t)
BUFFER("write", write, const void *)
POSITIONED("write", pwrite, const void *, off_t)
POSITIONED("write", pwrite64, const void *, off64_t)
VECTOR("write", writev)
VECTOR_POSITIONED("write", pwritev, off_t)
VECTOR_POSITIONED("write", pwritev64, off64_t)

int fsync(int fd) { return fd_fails("sync", fd) ? -1 : NEXT(fsync)(fd); }
int fdatasync(int fd) { return fd_fails("sync", fd) ? -1 : NEXT(fdatasync)(fd); }
int mkdir(const char *path, mode_t mode) { return fails("mkdir", path) ? -1 : NEXT(mkdir)(path, mode); }
int rename(const char *from, const char *to) { return fails("rename", to) ? -1 : NEXT(rename)(from, to); }
DIR *opendir(const char *path) { return fails("list", path) ? NULL : NEXT(opendir)(path); }
int scandir(const char *path, struct dirent ***names, int (*wanted)(const struct dirent *),
            int (*order)(const struct dirent **, const struct dirent **)) {
  return fails("list", path) ? -1 : NEXT(scandir)(path, names, wanted, order);
}
int scandir64(const char *path, struct dirent64 ***names, int (*wanted)(const struct dirent64 *),
              int (*order)(const struct dirent64 **, const struct dirent64 **)) {
  return fails("list", path) ? -1 : NEXT(scandir64)(path, names, wanted, order);
}
int statx(int at, const char *path, int flags, unsigned mask, struct statx *info) {
  int is_fault = path != NULL && *path != 0 ? fails("stat", path) : fd_fails("stat", at);
  return is_fault ? -1 : NEXT(statx)(at, path, flags, mask, info);
}
