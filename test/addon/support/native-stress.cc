// Hammers the parts of the addon that know no JavaScript from several threads; run under a sanitizer.
// Argument: an empty folder. Ends with 0, or prints what is wrong and ends with 1.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../../../native/block-decoder.h"
#include "../../../native/encoder-pool.h"
#include "../../../native/extent-table.h"
#include "../../../native/frame-decoder.h"
#include "../../../native/pinned-runs.h"
#include "../../../native/read-handles.h"

using bundlefs::EncodeJob;
using bundlefs::EncodeResult;
using bundlefs::EncoderPool;
using bundlefs::ExtentTable;
using bundlefs::FdCache;
using bundlefs::PinnedRuns;
using bundlefs::ReadHandles;

namespace {

void Expect(bool is_true, const char* what) {
  if (is_true) return;
  fprintf(stderr, "not so: %s\n", what);
  exit(1);
}

std::string RandomBytes(std::mt19937* random, size_t size) {
  std::string bytes(size, 0);
  for (char& byte : bytes) byte = static_cast<char>((*random)() % 64);
  return bytes;
}

void InThreads(int count, const std::function<void(std::mt19937*)>& work) {
  std::vector<std::thread> threads;
  for (int index = 0; index < count; ++index) {
    threads.emplace_back([&work, index] {
      std::mt19937 random(index);
      work(&random);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Files and memory in turn, in two tables that share one small cache.
struct Sample {
  std::string whole;
  std::shared_ptr<FdCache> cache = std::make_shared<FdCache>(8);
  std::vector<ExtentTable::File> files;
  std::vector<ExtentTable::Extent> extents;
  std::string memory;

  explicit Sample(const std::string& folder) {
    std::mt19937 random(1);
    for (uint32_t index = 0; index < 200; ++index) {
      const std::string glue = RandomBytes(&random, random() % 100);
      extents.push_back({whole.size(), memory.size(), ExtentTable::kMemory});
      memory += glue;
      whole += glue;
      const std::string bytes = RandomBytes(&random, 1 + random() % 5000);
      const std::string path = folder + "/" + std::to_string(index % 7) + "/" + std::to_string(index);
      if (index < 7)
        Expect(system(("mkdir -p " + folder + "/" + std::to_string(index)).c_str()) == 0, "mkdir works");
      std::ofstream(path) << bytes << "trailer";
      const auto* start = reinterpret_cast<const uint8_t*>(bytes.data());
      bundlefs::Sha256 hash;
      hash.Update(start, bytes.size());
      files.push_back({path, bytes.size(), lzma_crc64(start, bytes.size(), 0), hash.Finish(), ""});
      extents.push_back({whole.size(), 0, index});
      whole += bytes;
    }
  }

  std::unique_ptr<ExtentTable> Table() const {
    return std::make_unique<ExtentTable>(files, extents, memory, whole.size(), cache);
  }
};

std::string JoinRuns(const std::vector<ExtentTable::Run>& runs) {
  std::string joined;
  for (const ExtentTable::Run& run : runs) {
    std::string part(run.length, 0);
    if (run.memory != nullptr) {
      memcpy(part.data(), run.memory, run.length);
    } else {
      Expect(pread(run.file->fd(), part.data(), run.length, static_cast<off_t>(run.position)) ==
                 static_cast<ssize_t>(run.length),
             "a located run can be read");
    }
    joined += part;
  }
  return joined;
}

void StressTable(const std::string& folder) {
  const Sample sample(folder);
  const std::unique_ptr<ExtentTable> table = sample.Table();
  std::atomic<int> at_once{0};
  InThreads(4, [&](std::mt19937* random) {
    for (int round = 0; round < 1500; ++round) {
      const uint64_t position = (*random)() % (sample.whole.size() + 10);
      const size_t length = (*random)() % 20000;
      const std::string wanted =
          position < sample.whole.size() ? sample.whole.substr(position, length) : std::string();
      std::string target(length, 0);
      const ssize_t quick = table->Read(target.data(), length, position, ExtentTable::kNoWait);
      Expect(quick == -EAGAIN || target.substr(0, quick) == wanted, "a read without waiting is right");
      if (quick > 0) at_once += 1;
      const ssize_t count = table->Read(target.data(), length, position, 0);
      Expect(count == static_cast<ssize_t>(wanted.size()) && target.substr(0, count) == wanted,
             "a read is right");
      std::vector<ExtentTable::Run> runs;
      const ssize_t located = table->Locate(&runs, 16, length, position, 0);
      Expect(located == -E2BIG || JoinRuns(runs) == wanted, "what is located is right");
      Expect(located != -E2BIG || runs.size() == 16, "only too many runs are too many");
      if (round % 200 == 0) sample.Table();  // its end makes the cache forget all files
    }
  });
  Expect(at_once > 0, "some reads need not wait");
}

// Handles come and go while threads that end splice from others: what a thread was given stays open until its
// next.
void StressHandles(const std::string& folder) {
  const Sample sample(folder);
  InThreads(4, [&](std::mt19937*) {
    ReadHandles& handles = ReadHandles::Shared();
    const uint64_t handle = handles.Open(sample.Table());
    const uint64_t other = handles.Open(sample.Table());
    Expect(handle >= ReadHandles::kFirst && handle != other, "handles have numbers of their own");
    handles.Close(other);
    Expect(handles.Find(other) == nullptr && handles.Find(1) == nullptr, "only open handles have a table");
    InThreads(3, [&](std::mt19937* random) {
      std::vector<int> fds;
      for (int round = 0; round < 200; ++round) {
        const uint64_t position = (*random)() % sample.whole.size();
        std::vector<ExtentTable::Run> runs;
        const ssize_t count = handles.Find(handle)->Locate(&runs, 16, 6000, position, 0);
        Expect(count > 0, "a handle's table is found");
        fds.clear();
        for (const ExtentTable::Run& run : runs) {
          if (run.file != nullptr) fds.push_back(run.file->fd());
        }
        PinnedRuns::Keep(handle, std::move(runs));
        PinnedRuns::Drop(other);
        for (const int fd : fds) Expect(fcntl(fd, F_GETFD) >= 0, "a pinned file is open");
      }
    });
    const std::shared_ptr<ExtentTable> table = handles.Find(handle);
    handles.Close(handle);
    std::string target(sample.whole.size(), 0);
    Expect(table->Read(target.data(), target.size(), 0, 0) == static_cast<ssize_t>(target.size()),
           "a read under way keeps the table of a closed handle");
  });

  std::vector<ExtentTable::Run> runs;
  const std::unique_ptr<ExtentTable> table = sample.Table();
  Expect(table->Locate(&runs, 1, 1, sample.extents[1].start, 0) == 1, "a byte is located");
  const std::weak_ptr<const bundlefs::OpenFile> file = runs[0].file;
  sample.cache->Forget(sample.files[0].path);
  PinnedRuns::Keep(7, std::move(runs));
  Expect(!file.expired(), "what the cache has forgotten is pinned");
  std::thread([] { PinnedRuns::Drop(7); }).join();
  Expect(file.expired(), "a release lets go of what another thread pinned");
}

// Every third job makes a frame.
bool IsFrame(uint64_t id) { return id % 3 == 0; }

class Owner final : public bundlefs::EncodeOwner {
 public:
  void OnEncoded(uint64_t id, EncodeResult result) override {
    Expect(!is_withdrawn, "nothing comes after Withdraw");
    calls += 1;
    if (result.status != LZMA_OK) return;
    std::string content(contents[id].size(), 0);
    auto* target = reinterpret_cast<uint8_t*>(content.data());
    const int status = IsFrame(id) ? bundlefs::DecodeFrame(result.bytes(), result.size, target, content.size())
                                   : bundlefs::DecodeBlock(result.bytes(), result.size, LZMA_CHECK_CRC64,
                                                           target, content.size());
    Expect(status == 0 && content == contents[id], "a block or frame decodes to its content");
  }

  std::vector<std::string> contents;
  std::atomic<size_t> calls{0};
  std::atomic<bool> is_withdrawn{false};
};

void StressPool() {
  InThreads(4, [](std::mt19937* random) {
    for (int round = 0; round < 6; ++round) {
      Owner owner;
      for (int index = 0; index < 20; ++index)
        owner.contents.push_back(RandomBytes(random, (*random)() % 30000));
      for (uint64_t id = 0; id < owner.contents.size(); ++id) {
        auto job = std::make_unique<EncodeJob>();
        job->owner = &owner;
        job->id = id;
        job->content = reinterpret_cast<const uint8_t*>(owner.contents[id].data());
        job->size = owner.contents[id].size();
        if (IsFrame(id)) {
          job->settings = bundlefs::FrameSettings{static_cast<int>(1 + (*random)() % 3)};
        } else {
          job->settings =
              bundlefs::EncodeSettings{static_cast<uint32_t>((*random)() % 3), LZMA_CHECK_CRC64};
        }
        EncoderPool::Get().Submit(std::move(job));
        if ((*random)() % 4 == 0) EncoderPool::Get().Cancel(&owner, (*random)() % (id + 1));
      }
      if (round % 2 == 0) {
        while (owner.calls < owner.contents.size()) std::this_thread::yield();
      }
      EncoderPool::Get().Withdraw(&owner);
      owner.is_withdrawn = true;
      Expect(owner.calls <= owner.contents.size(), "each job is answered once");
    }
  });
}

}  // namespace

int main(int, char** arguments) {
  StressTable(arguments[1]);
  StressHandles(std::string(arguments[1]) + "/handles");
  StressPool();
  return 0;
}
