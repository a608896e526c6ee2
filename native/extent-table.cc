// Every byte goes out through LocateRun, and so through the check of its file.
#include "extent-table.h"

#include <lzma.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace bundlefs {

namespace {

constexpr size_t kCheckStep = 256 * 1024;

// pread, repeated until all is there; fewer bytes only at the end of the file. A negative errno where it
// fails.
ssize_t ReadFully(int fd, char* target, size_t length, uint64_t position) {
  size_t done = 0;
  while (done < length) {
    const ssize_t count = pread(fd, target + done, length - done, static_cast<off_t>(position + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    if (count == 0) break;
    done += count;
  }
  return static_cast<ssize_t>(done);
}

// What all paths begin with, up to a slash.
std::string CommonFolder(const std::vector<ExtentTable::File>& files) {
  if (files.empty()) return "";
  const std::string& first = files[0].path;
  size_t length = first.size();
  for (const ExtentTable::File& file : files) {
    length = std::min(length, file.path.size());
    const auto difference = std::mismatch(first.begin(), first.begin() + length, file.path.begin());
    length = difference.first - first.begin();
  }
  const size_t slash = first.substr(0, length).rfind('/');
  return slash == std::string::npos ? "" : first.substr(0, slash + 1);
}

}  // namespace

ExtentTable::ExtentTable(std::vector<File> files, std::vector<Extent> extents, std::string memory,
                         uint64_t size, std::shared_ptr<FdCache> cache)
    : files_(new CompactFile[files.size()]),
      file_count_(files.size()),
      extents_(std::move(extents)),
      memory_(std::move(memory)),
      size_(size),
      cache_(std::move(cache)),
      folder_(CommonFolder(files)) {
  for (size_t index = 0; index < file_count_; ++index) {
    files_[index].size = files[index].size;
    files_[index].crc64 = files[index].crc64;
    files_[index].sha256 = files[index].sha256;
    files_[index].stamp = std::move(files[index].stamp);
    files_[index].name_start = names_.size();
    names_.append(files[index].path, folder_.size());
  }
}

// A block that is removed from the store must not take up space because nobody reads it any more.
ExtentTable::~ExtentTable() {
  for (size_t index = 0; index < file_count_; ++index) cache_->Forget(PathOf(index));
}

ssize_t ExtentTable::Read(char* target, size_t length, uint64_t position, int flags, Failure* failure) {
  if (position >= size_) return 0;
  length = static_cast<size_t>(std::min<uint64_t>(length, size_ - position));
  size_t done = 0;
  for (size_t extent = FindExtent(position); done < length; ++extent) {
    Run run;
    const int status = LocateRun(extent, position + done, length - done, flags, &run, failure);
    if (status != 0) return status;
    const ssize_t count = ReadRun(run, target + done, flags);
    if (count < 0 || static_cast<size_t>(count) < run.length) {
      if (count == -EAGAIN) return -EAGAIN;
      const bool is_short = count >= 0;  // it has been cut off since it was checked
      if (failure != nullptr) {
        *failure = {is_short ? Fault::kCorrupt : Fault::kFailed, extents_[extent].file,
                    is_short ? 0 : static_cast<int>(-count)};
      }
      return is_short ? -EIO : count;
    }
    done += run.length;
  }
  return static_cast<ssize_t>(done);
}

ssize_t ExtentTable::Locate(std::vector<Run>* runs, size_t limit, size_t length, uint64_t position, int flags,
                            Failure* failure) {
  runs->clear();
  if (position >= size_) return 0;
  length = static_cast<size_t>(std::min<uint64_t>(length, size_ - position));
  size_t done = 0;
  for (size_t extent = FindExtent(position); done < length; ++extent) {
    if (runs->size() == limit) return -E2BIG;
    Run run;
    const int status = LocateRun(extent, position + done, length - done, flags, &run, failure);
    if (status != 0) return status;
    done += run.length;
    if (run.length > 0) runs->push_back(std::move(run));
  }
  return static_cast<ssize_t>(done);
}

// The last extent that starts at `position` or before it.
size_t ExtentTable::FindExtent(uint64_t position) const {
  const auto after =
      std::upper_bound(extents_.begin(), extents_.end(), position,
                       [](uint64_t value, const Extent& extent) { return value < extent.start; });
  return after - extents_.begin() - 1;
}

std::string ExtentTable::PathOf(uint32_t file) const {
  const size_t start = files_[file].name_start;
  const size_t end = file + 1 < file_count_ ? files_[file + 1].name_start : names_.size();
  std::string path;
  path.reserve(folder_.size() + end - start);
  return path.append(folder_).append(names_, start, end - start);
}

int ExtentTable::LocateRun(size_t index, uint64_t position, size_t length, int flags, Run* run,
                           Failure* failure) {
  const Extent& extent = extents_[index];
  const uint64_t end = index + 1 < extents_.size() ? extents_[index + 1].start : size_;
  run->length = static_cast<size_t>(std::min<uint64_t>(length, end - position));
  run->position = extent.position + (position - extent.start);
  run->memory = nullptr;
  if (extent.file == kMemory) {
    run->memory = memory_.data() + run->position;
    return 0;
  }
  if (run->length == 0) return 0;
  if ((flags & kNoWait) != 0) {
    run->file = FindChecked(extent.file);
    return run->file == nullptr ? -EAGAIN : 0;
  }
  Failure unheard;
  Failure* heard = failure == nullptr ? &unheard : failure;
  run->file = OpenChecked(extent.file, heard);
  if (run->file != nullptr) return 0;
  return heard->fault == Fault::kFailed ? -heard->error : -EIO;
}

std::shared_ptr<const OpenFile> ExtentTable::OpenChecked(uint32_t index, Failure* failure) {
  const std::string path = PathOf(index);
  int error = 0;
  std::shared_ptr<const OpenFile> file = cache_->Open(path, &error);
  if (file == nullptr) {
    *failure = {error == ENOENT || error == ENOTDIR ? Fault::kMissing : Fault::kFailed, index, error};
    return nullptr;
  }
  std::atomic<uint64_t>& checked = files_[index].checked;
  if (checked.load(std::memory_order_acquire) == file->identity()) return file;
  std::lock_guard<std::mutex> lock(check_mutexes_[index % check_mutexes_.size()]);
  if (checked.load(std::memory_order_acquire) == file->identity()) return file;
  if (!Check(index, *file, failure)) {
    // What is at the path may be right by the time of the next read: a damaged block is set aside and made
    // again.
    cache_->Forget(path);
    return nullptr;
  }
  checked.store(file->identity(), std::memory_order_release);
  return file;
}

std::shared_ptr<const OpenFile> ExtentTable::FindChecked(uint32_t index) {
  const uint64_t checked = files_[index].checked.load(std::memory_order_acquire);
  if (checked == 0) return nullptr;
  std::shared_ptr<const OpenFile> file = cache_->Find(PathOf(index));
  return file != nullptr && file->identity() == checked ? file : nullptr;
}

bool ExtentTable::Check(uint32_t index, const OpenFile& open_file, Failure* failure) const {
  const CompactFile& file = files_[index];
  const std::unique_ptr<char[]> buffer(new char[kCheckStep]);
  // Whoever changes a file can make it have any CRC64.
  const bool is_known = !file.stamp.empty() && file.stamp == open_file.stamp();
  uint64_t crc64 = 0;
  Sha256 sha256;
  uint64_t position = 0;
  while (position < file.size) {
    const size_t step = static_cast<size_t>(std::min<uint64_t>(kCheckStep, file.size - position));
    const ssize_t count = ReadFully(open_file.fd(), buffer.get(), step, position);
    if (count < 0) {
      *failure = {Fault::kFailed, index, static_cast<int>(-count)};
      return false;
    }
    if (static_cast<size_t>(count) < step) break;
    const uint8_t* const bytes = reinterpret_cast<const uint8_t*>(buffer.get());
    if (is_known) {
      crc64 = lzma_crc64(bytes, step, crc64);
    } else {
      sha256.Update(bytes, step);
    }
    position += step;
  }
  const bool is_whole = position == file.size;
  if (is_whole && (is_known ? crc64 == file.crc64 : sha256.Finish() == file.sha256)) return true;
  *failure = {Fault::kCorrupt, index, 0};
  return false;
}

// The count of bytes, -EAGAIN, or another negative errno.
ssize_t ExtentTable::ReadRun(const Run& run, char* target, int flags) {
  if (run.length == 0) return 0;
  if (run.memory != nullptr) {
    memcpy(target, run.memory, run.length);
    return static_cast<ssize_t>(run.length);
  }
  if ((flags & kNoWait) == 0) return ReadFully(run.file->fd(), target, run.length, run.position);
  const iovec part = {target, run.length};
  const ssize_t count = preadv2(run.file->fd(), &part, 1, static_cast<off_t>(run.position), RWF_NOWAIT);
  // Whatever stands in the way (a page that is not in memory, a file system that knows no RWF_NOWAIT), a read
  // that may wait will tell.
  return count == static_cast<ssize_t>(run.length) ? count : -EAGAIN;
}

}  // namespace bundlefs
