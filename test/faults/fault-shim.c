/* Preloaded into a program: the n-th call of a kind that is about files below some folders fails with an errno.
   FAULT_CALL open|read|write|sync|stat|list|mkdir|rename|unlink|mode|size|lock|space|socket, FAULT_ERRNO its number, FAULT_NTH from 1,
   FAULT_BELOW folders with colons between them, FAULT_LOG a file that gets a line with the path when the call has failed.
   Each process counts for itself. Where FAULT_PROGRAM is set, only a process counts whose arguments have that text. */
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
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/vfs.h>
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

static int is_wanted(const char *call) {
  const char *wanted = getenv("FAULT_CALL");
  if (wanted == NULL || strcmp(wanted, call) != 0) return 0;
  static atomic_int chosen; /* 1 this program, 2 another */
  const char *program = getenv("FAULT_PROGRAM");
  if (program == NULL) return 1;
  if (chosen == 0) {
    char arguments[16384];
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY);
    long size = syscall(SYS_read, fd, arguments, sizeof arguments);
    syscall(SYS_close, fd);
    chosen = size > 0 && memmem(arguments, (size_t)size, program, strlen(program)) != NULL ? 1 : 2;
  }
  return chosen == 1;
}

/* Files of the cache and of the state folder are named below an open folder (src/disk/open-folder.ts): /proc/self/fd/7/name. */
static const char *resolve(const char *path, char *buffer, size_t size) {
  const char prefix[] = "/proc/self/fd/";
  if (strncmp(path, prefix, sizeof prefix - 1) != 0) return path;
  const char *rest = strchr(path + sizeof prefix - 1, '/');
  if (rest == NULL) return path;
  char link[64];
  snprintf(link, sizeof link, "%.*s", (int)(rest - path), path);
  ssize_t length = readlink(link, buffer, size - 1);
  if (length < 0) return path;
  snprintf(buffer + length, size - (size_t)length, "%s", rest);
  return buffer;
}

static int fails(const char *call, const char *given) {
  if (given == NULL || !is_wanted(call)) return 0;
  char buffer[8192];
  const char *path = resolve(given, buffer, sizeof buffer);
  if (!is_below(path)) return 0;
  if (atomic_fetch_add(&count, 1) + 1 != atoi(getenv("FAULT_NTH"))) return 0;
  int log = (int)syscall(SYS_openat, AT_FDCWD, getenv("FAULT_LOG"), O_WRONLY | O_APPEND | O_CREAT, 0600);
  if (log >= 0) {
    char line[8200];
    (void)!syscall(SYS_write, log, line, (size_t)snprintf(line, sizeof line, "%s\n", path));
    syscall(SYS_close, log);
  }
  errno = atoi(getenv("FAULT_ERRNO"));
  return 1;
}

static int fd_fails(const char *call, int fd) {
  if (!is_wanted(call)) return 0;
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

/* openat2, of the addon, has no function of its own in libc. */
long syscall(long number, ...) {
  va_list rest;
  va_start(rest, number);
  long a[6];
  for (int index = 0; index < 6; index += 1) a[index] = va_arg(rest, long);
  va_end(rest);
#ifdef SYS_openat2
  if (number == SYS_openat2 && fails("open", (const char *)a[1])) return -1;
#endif
  static long (*next)(long, ...);
  if (next == NULL) next = dlsym(RTLD_NEXT, "syscall");
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

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
int unlink(const char *path) { return fails("unlink", path) ? -1 : NEXT(unlink)(path); }
int rmdir(const char *path) { return fails("unlink", path) ? -1 : NEXT(rmdir)(path); }
int chmod(const char *path, mode_t mode) { return fails("mode", path) ? -1 : NEXT(chmod)(path, mode); }
int fchmod(int fd, mode_t mode) { return fd_fails("mode", fd) ? -1 : NEXT(fchmod)(fd, mode); }
int futimens(int fd, const struct timespec times[2]) { return fd_fails("mode", fd) ? -1 : NEXT(futimens)(fd, times); }
int utimensat(int at, const char *path, const struct timespec times[2], int flags) {
  return (path == NULL ? fd_fails("mode", at) : fails("mode", path)) ? -1 : NEXT(utimensat)(at, path, times, flags);
}
int flock(int fd, int operation) { return fd_fails("lock", fd) ? -1 : NEXT(flock)(fd, operation); }
int ftruncate(int fd, off_t size) { return fd_fails("size", fd) ? -1 : NEXT(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return fd_fails("size", fd) ? -1 : NEXT(ftruncate64)(fd, size); }
int statfs(const char *path, struct statfs *info) { return fails("space", path) ? -1 : NEXT(statfs)(path, info); }
int statfs64(const char *path, struct statfs64 *info) { return fails("space", path) ? -1 : NEXT(statfs64)(path, info); }
char *realpath(const char *path, char *result) { return fails("stat", path) ? NULL : NEXT(realpath)(path, result); }

/* A socket's address is a path; a connection has none, so that it counts as one to "/socket". */
int connect(int fd, const struct sockaddr *address, socklen_t size) {
  const char *path = address->sa_family == AF_UNIX ? ((const struct sockaddr_un *)address)->sun_path : "/socket";
  return fails("socket", path) ? -1 : NEXT(connect)(fd, address, size);
}
int bind(int fd, const struct sockaddr *address, socklen_t size) {
  const char *path = address->sa_family == AF_UNIX ? ((const struct sockaddr_un *)address)->sun_path : "/socket";
  return fails("socket", path) ? -1 : NEXT(bind)(fd, address, size);
}
