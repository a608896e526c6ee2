// A list in order of use and an index of it by path; files are opened and closed outside the mutex.
#include "fd-cache.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <random>
#include <utility>

#include "file-stamp.h"
#include "open-without-links.h"

namespace bundlefs {

namespace {

// More than a usual bundle has blocks: one that is read front to back with fewer opens each of them every time.
constexpr size_t kDefaultLimit = 4096;

size_t DefaultLimit() {
  rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return kDefaultLimit;
  return std::max<size_t>(1, std::min<rlim_t>(files.rlim_cur / 2, kDefaultLimit));
}

// What was found right is looked at again after this time: disks forget.
constexpr time_t kTrustSeconds = 24 * 60 * 60;

uint64_t TrustPeriod() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return static_cast<uint64_t>(now.tv_sec / kTrustSeconds);
}

// The start of each hash: whoever owns a file chooses its times, but not so that two of them have one identity.
uint64_t Seed() {
  static const uint64_t seed = std::random_device()() | uint64_t{std::random_device()()} << 32;
  return seed;
}

// Mixes what changes when another file takes the path, when this one is written to, moved or removed, and when
// a day has passed. (FNV-1a over the fields, with a start of its own.)
uint64_t IdentityOf(const struct stat& info) {
  const uint64_t fields[] = {info.st_dev,
                             info.st_ino,
                             static_cast<uint64_t>(info.st_size),
                             static_cast<uint64_t>(info.st_mtim.tv_sec),
                             static_cast<uint64_t>(info.st_mtim.tv_nsec),
                             static_cast<uint64_t>(info.st_ctim.tv_sec),
                             static_cast<uint64_t>(info.st_ctim.tv_nsec),
                             TrustPeriod()};
  uint64_t hash = Seed();
  for (uint64_t field : fields) {
    for (int shift = 0; shift < 64; shift += 8) {
      hash = (hash ^ ((field >> shift) & 0xff)) * UINT64_C(0x100000001b3);
    }
  }
  return hash == 0 ? 1 : hash;
}


}  // namespace

OpenFile::~OpenFile() { close(fd_); }

const std::shared_ptr<FdCache>& FdCache::Shared() {
  // Never destroyed: a process may exit while a thread reads.
  static const auto* cache = new std::shared_ptr<FdCache>(std::make_shared<FdCache>(DefaultLimit()));
  return *cache;
}

std::shared_ptr<const OpenFile> FdCache::Open(const std::string& path, int* error) {
  if (File known = Find(path)) return known;
  int fd = OpenWithoutLinks(path.c_str(), O_RDONLY);
  if (fd == -EMFILE || fd == -ENFILE) {
    std::list<Entry> idle;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      idle = TakeIdle(0);
    }
    idle.clear();
    fd = OpenWithoutLinks(path.c_str(), O_RDONLY);
  }
  if (fd < 0) {
    *error = -fd;
    return nullptr;
  }
  struct stat info;
  const int failure = fstat(fd, &info) != 0 ? errno : S_ISREG(info.st_mode) ? 0 : ELOOP;
  if (failure != 0) {
    *error = failure;
    close(fd);
    return nullptr;
  }
  File file = std::make_shared<const OpenFile>(fd, IdentityOf(info), StampOf(info));

  std::list<Entry> idle;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_path_.find(path);
  if (found != by_path_.end()) return found->second->file;  // another thread was first
  entries_.push_front({path, file});
  by_path_.emplace(path, entries_.begin());
  idle = TakeIdle(limit_);
  return file;
}

std::shared_ptr<const OpenFile> FdCache::Find(const std::string& path) {
  File file;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto found = by_path_.find(path);
    if (found == by_path_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    file = found->second->file;
  }
  struct stat info;
  if (fstat(file->fd(), &info) == 0 && IdentityOf(info) == file->identity()) return file;
  Forget(path);
  return nullptr;
}

void FdCache::Forget(const std::string& path) {
  File file;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  file = std::move(found->second->file);
  entries_.erase(found->second);
  by_path_.erase(found);
}

std::list<FdCache::Entry> FdCache::TakeIdle(size_t count) {
  std::list<Entry> idle;
  for (auto entry = entries_.end(); entry != entries_.begin() && entries_.size() > count;) {
    --entry;
    if (entry->file.use_count() > 1) continue;
    by_path_.erase(entry->path);
    const auto next = std::next(entry);
    idle.splice(idle.end(), entries_, entry);
    entry = next;
  }
  return idle;
}

}  // namespace bundlefs
