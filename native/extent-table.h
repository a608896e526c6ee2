// A virtual file as runs of other files and of memory: found by binary search, checked when first touched.
#ifndef BUNDLEFS_EXTENT_TABLE_H_
#define BUNDLEFS_EXTENT_TABLE_H_

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fd-cache.h"
#include "sha256.h"

namespace bundlefs {

// Immutable, but for what it knows of its files; safe for any thread, and free of JavaScript.
class ExtentTable {
 public:
  // A file whose first `size` bytes must have this SHA-256; what follows them is not ours. While its stamp is
  // `stamp`, they had it when that was seen, and the CRC64 tells whether the disk has kept them.
  struct File {
    std::string path;
    uint64_t size;
    uint64_t crc64;
    Sha256::Digest sha256;
    std::string stamp;
  };
  // The run of the virtual file from `start` to the next extent's start: bytes at `position` of a file, or of
  // `memory`.
  struct Extent {
    uint64_t start;
    uint64_t position;
    uint32_t file;  // an index, or kMemory
  };
  static constexpr uint32_t kMemory = UINT32_MAX;

  enum class Fault { kMissing, kCorrupt, kFailed };
  // Why a read failed.
  struct Failure {
    Fault fault;
    uint32_t file;
    int error;  // errno, or 0
  };

  // Consecutive bytes of the virtual file: in memory, or in a file that the holder of `file` keeps open.
  struct Run {
    const char* memory;  // null where the bytes are in a file
    std::shared_ptr<const OpenFile> file;
    uint64_t position;  // in the file
    size_t length;
  };

  // For `flags`: only what is open, checked and in the page cache; -EAGAIN for everything else.
  static constexpr int kNoWait = 1;

  // `extents` are sorted, without gaps, the first one starts at 0 and the last one ends at `size`; each lies
  // within its file's `size` or within `memory`.
  ExtentTable(std::vector<File> files, std::vector<Extent> extents, std::string memory, uint64_t size,
              std::shared_ptr<FdCache> cache);
  ~ExtentTable();
  ExtentTable(const ExtentTable&) = delete;
  ExtentTable& operator=(const ExtentTable&) = delete;

  uint64_t size() const { return size_; }

  // Fills `target` from `position` on: the count of bytes, smaller than `length` only at the end. Where one
  // byte cannot be had none counts: a negative errno, and where `failure` is given, why (not for -EAGAIN).
  ssize_t Read(char* target, size_t length, uint64_t position, int flags, Failure* failure = nullptr);

  // The runs that make up the same bytes, for splicing, checked already. -E2BIG where they are more than
  // `limit`: each holds a descriptor. Else as Read.
  ssize_t Locate(std::vector<Run>* runs, size_t limit, size_t length, uint64_t position, int flags,
                 Failure* failure = nullptr);

 private:
  struct CompactFile {
    uint64_t size;
    uint64_t crc64;
    Sha256::Digest sha256;
    std::string stamp;
    size_t name_start;  // in names_, up to the next file's
    // The identity of the open file that was found right; 0 before. Another file at the path is checked anew.
    std::atomic<uint64_t> checked{0};
  };

  size_t FindExtent(uint64_t position) const;
  std::string PathOf(uint32_t file) const;
  // At most `length` bytes at `position`, which is in `extent`, as one run. 0 or a negative errno.
  int LocateRun(size_t extent, uint64_t position, size_t length, int flags, Run* run, Failure* failure);
  // `file` open and checked; null, with *failure filled in, where that fails.
  std::shared_ptr<const OpenFile> OpenChecked(uint32_t file, Failure* failure);
  std::shared_ptr<const OpenFile> FindChecked(uint32_t file);
  bool Check(uint32_t file, const OpenFile& open_file, Failure* failure) const;
  static ssize_t ReadRun(const Run& run, char* target, int flags);

  const std::unique_ptr<CompactFile[]> files_;
  const size_t file_count_;
  const std::vector<Extent> extents_;
  const std::string memory_;
  const uint64_t size_;
  const std::shared_ptr<FdCache> cache_;
  std::string folder_;  // what all paths begin with
  std::string names_;   // what follows, one after the other
  // One checker at a time for each file, and for each sixteenth of them at that.
  std::array<std::mutex, 16> check_mutexes_;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_EXTENT_TABLE_H_
