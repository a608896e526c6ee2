// The threads that encode blocks and frames: not libuv's, so that file I/O never waits behind a second of LZMA.
#ifndef BUNDLEFS_ENCODER_POOL_H_
#define BUNDLEFS_ENCODER_POOL_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "block-encoder.h"
#include "frame-encoder.h"

namespace bundlefs {

// Whether content becomes a block or a frame, and how.
using JobSettings = std::variant<EncodeSettings, FrameSettings>;

// Who gives content to the pool. OnEncoded runs on a thread of the pool, for each job that was not withdrawn.
class EncodeOwner {
 public:
  virtual void OnEncoded(uint64_t id, EncodeResult result) = 0;

 protected:
  ~EncodeOwner() = default;
};

struct EncodeJob {
  EncodeOwner* owner;
  uint64_t id;  // the owner's name for the job
  const uint8_t* content;
  size_t size;
  JobSettings settings;
  std::atomic<bool> cancelled{false};
};

// One pool for the whole process, with a thread for each usable core. Its threads start when there is work and end, with their memory, when there
// is none.
class EncoderPool {
 public:
  // The pool is never destroyed: a process may exit while its threads are at work.
  static EncoderPool& Get();

  // First come, first served. The content must stay until the job is done, cancelled or withdrawn.
  void Submit(std::unique_ptr<EncodeJob> job);
  // A waiting job never starts, a running one soon ends; either way OnEncoded is called, with LZMA_BUF_ERROR.
  void Cancel(const EncodeOwner* owner, uint64_t id);
  // Takes back all jobs of `owner` and waits for those that run: afterwards the owner is not called again.
  void Withdraw(const EncodeOwner* owner);

 private:
  EncoderPool();
  // Adds a thread where there are more jobs waiting than threads; needs mutex_. False where no thread runs at
  // all.
  bool AddThread();
  static void* ThreadMain(void* pool);
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;  // there is a job
  std::condition_variable done_;  // a job has ended
  std::deque<std::unique_ptr<EncodeJob>> waiting_;
  std::vector<EncodeJob*> running_;
  const size_t thread_limit_;
  size_t thread_count_ = 0;
  size_t idle_count_ = 0;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_ENCODER_POOL_H_
