// One openat2 where the kernel has it (Linux 5.6), and else a step for each folder of the path.
#include "open-without-links.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <string>

namespace bundlefs {

namespace {

// Of linux/openat2.h, which older systems do not have.
struct OpenHow {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};
constexpr uint64_t kResolveNoSymlinks = 0x04;
#ifdef SYS_openat2
constexpr long kOpenat2 = SYS_openat2;
#else
constexpr long kOpenat2 = 437;  // the same on all architectures
#endif

std::atomic<bool> has_openat2{true};

int OpenAt(int folder, const char* name, int flags) {
  int fd;
  do {
    fd = openat(folder, name, flags);
  } while (fd < 0 && errno == EINTR);
  return fd < 0 ? -errno : fd;
}

int OpenByStep(const char* path, int flags) {
  int folder = OpenAt(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const std::string rest = path;
  size_t start = 1;
  for (size_t slash = rest.find('/', start); folder >= 0 && slash != std::string::npos;
       start = slash + 1, slash = rest.find('/', start)) {
    if (slash == start) continue;
    const std::string name = rest.substr(start, slash - start);
    const int next = OpenAt(folder, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    close(folder);
    folder = next;
  }
  if (folder < 0) return folder;
  const std::string name = start < rest.size() ? rest.substr(start) : ".";
  const int fd = OpenAt(folder, name.c_str(), flags | O_NOFOLLOW);
  close(folder);
  return fd;
}

}  // namespace

int OpenWithoutLinks(const char* path, int flags) {
  // openat2 refuses what has no meaning: with O_PATH, nothing is opened, and nothing waited for.
  flags |= (flags & O_PATH) != 0 ? O_CLOEXEC : O_CLOEXEC | O_NONBLOCK;
  if (has_openat2.load(std::memory_order_relaxed)) {
    const OpenHow how = {static_cast<uint64_t>(flags), 0, kResolveNoSymlinks};
    long fd;
    do {
      fd = syscall(kOpenat2, AT_FDCWD, path, &how, sizeof how);
    } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
    if (fd >= 0) return static_cast<int>(fd);
    // Where a filter of system calls does not know openat2 it says EPERM, which opening a file never does without
    // O_NOATIME.
    if (errno != ENOSYS && errno != EPERM) return -errno;
    has_openat2.store(false, std::memory_order_relaxed);
  }
  return OpenByStep(path, flags);
}

}  // namespace bundlefs
