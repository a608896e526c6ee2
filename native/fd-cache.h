// Files kept open between reads, within a budget: a bundle has more blocks than a process has descriptors.
#ifndef BUNDLEFS_FD_CACHE_H_
#define BUNDLEFS_FD_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace bundlefs {

// A file open for reading; closed by its last owner.
class OpenFile {
 public:
  // `fd` becomes this object's; `identity` tells this file from others, and from itself after a change. Never
  // 0. `stamp` is the file's when it was opened (file-stamp.h).
  OpenFile(int fd, uint64_t identity, std::string stamp)
      : fd_(fd), identity_(identity), stamp_(std::move(stamp)) {}
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int fd() const { return fd_; }
  uint64_t identity() const { return identity_; }
  const std::string& stamp() const { return stamp_; }

 private:
  const int fd_;
  const uint64_t identity_;
  const std::string stamp_;
};

// Safe for any thread. A file that somebody holds is never closed, even where that exceeds the budget for a
// while.
class FdCache {
 public:
  // The cache of the whole process: at most 4096 files, and half of what RLIMIT_NOFILE allows.
  static const std::shared_ptr<FdCache>& Shared();

  explicit FdCache(size_t limit) : limit_(limit) {}

  // The regular file at `path`, opened where it is not open yet, through no link. Null, with the errno in *error,
  // where that fails; ELOOP stands for whatever is no file of ours.
  std::shared_ptr<const OpenFile> Open(const std::string& path, int* error);
  // The same where it is open already and is still what it was when it was opened, else null. Does not wait
  // for a disk.
  std::shared_ptr<const OpenFile> Find(const std::string& path);
  // Lets go of the file, so that the next Open sees what is at `path` then.
  void Forget(const std::string& path);

 private:
  using File = std::shared_ptr<const OpenFile>;
  struct Entry {
    std::string path;
    File file;
  };

  // Takes files that nobody holds out of the cache until `count` are left, the least recently used first;
  // needs mutex_. The caller drops them, and so closes them, when it has let go of the mutex.
  std::list<Entry> TakeIdle(size_t count);

  const size_t limit_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_path_;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_FD_CACHE_H_
