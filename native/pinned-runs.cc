// One entry for each thread that has answered a read, in a list for the one that drops.
#include "pinned-runs.h"

#include <list>
#include <mutex>
#include <utility>

namespace bundlefs {

namespace {

using Runs = std::vector<ExtentTable::Run>;

struct Entry {
  uint64_t handle = 0;
  Runs runs;
};

struct Entries {
  std::mutex mutex;
  std::list<Entry> list;
};

Entries& AllEntries() {
  // Never destroyed: a process may exit while a thread of libfuse reads.
  static auto* entries = new Entries();
  return *entries;
}

// A thread's entry, from its first read to its end.
class OwnEntry {
 public:
  OwnEntry() {
    std::lock_guard<std::mutex> lock(AllEntries().mutex);
    entry_ = AllEntries().list.emplace(AllEntries().list.end());
  }

  ~OwnEntry() {
    std::list<Entry> ended;  // closes files, which needs no mutex
    std::lock_guard<std::mutex> lock(AllEntries().mutex);
    ended.splice(ended.end(), AllEntries().list, entry_);
  }

  OwnEntry(const OwnEntry&) = delete;
  OwnEntry& operator=(const OwnEntry&) = delete;

  void Set(uint64_t handle, Runs* runs) {
    std::lock_guard<std::mutex> lock(AllEntries().mutex);
    entry_->handle = handle;
    entry_->runs.swap(*runs);
  }

 private:
  std::list<Entry>::iterator entry_;
};

}  // namespace

void PinnedRuns::Keep(uint64_t handle, Runs runs) {
  thread_local OwnEntry own;
  own.Set(handle, &runs);
}

void PinnedRuns::Drop(uint64_t handle) {
  std::vector<Runs> dropped;
  std::lock_guard<std::mutex> lock(AllEntries().mutex);
  for (Entry& entry : AllEntries().list) {
    if (entry.handle != handle || entry.runs.empty()) continue;
    dropped.emplace_back().swap(entry.runs);
  }
}

}  // namespace bundlefs
