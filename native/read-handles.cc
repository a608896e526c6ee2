// A map under a mutex.
#include "read-handles.h"

#include <utility>

namespace bundlefs {

ReadHandles& ReadHandles::Shared() {
  // Never destroyed: a process may exit while a thread of libfuse reads.
  static auto* handles = new ReadHandles();
  return *handles;
}

uint64_t ReadHandles::Open(std::shared_ptr<ExtentTable> table) {
  std::lock_guard<std::mutex> lock(mutex_);
  uint64_t handle;
  do {
    handle = next_++;
    if (next_ == kEnd) next_ = kFirst;
  } while (!tables_.emplace(handle, table).second);
  return handle;
}

void ReadHandles::Close(uint64_t handle) {
  std::shared_ptr<ExtentTable>
      table;  // whose end takes the mutex of a cache, and so must come after this one's
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = tables_.find(handle);
  if (found == tables_.end()) return;
  table = std::move(found->second);
  tables_.erase(found);
}

std::shared_ptr<ExtentTable> ReadHandles::Find(uint64_t handle) {
  if (handle < kFirst) return nullptr;
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = tables_.find(handle);
  return found == tables_.end() ? nullptr : found->second;
}

}  // namespace bundlefs
