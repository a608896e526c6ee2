// A queue under one mutex, and threads that take from it; each keeps its encoder as long as it lives.
#include "encoder-pool.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace bundlefs {

namespace {

// After this time without work a thread ends, for its encoder may hold 100 MB.
constexpr std::chrono::seconds kIdleTime(5);

size_t UsableCores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
  return std::max(1u, std::thread::hardware_concurrency());
}

EncodeResult Encode(const EncodeJob& job, BlockEncoder* blocks) {
  if (const auto* frame = std::get_if<FrameSettings>(&job.settings)) {
    return EncodeFrame(job.content, job.size, *frame, job.cancelled);
  }
  return blocks->Encode(job.content, job.size, std::get<EncodeSettings>(job.settings), job.cancelled);
}

EncodeResult Failed(lzma_ret status) {
  EncodeResult result;
  result.status = status;
  return result;
}

}  // namespace

EncoderPool& EncoderPool::Get() {
  static EncoderPool* pool = new EncoderPool();
  return *pool;
}

EncoderPool::EncoderPool() : thread_limit_(UsableCores()) {}

void EncoderPool::Submit(std::unique_ptr<EncodeJob> job) {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    waiting_.push_back(std::move(job));
    if (AddThread()) {
      wake_.notify_one();
      return;
    }
    job = std::move(waiting_.back());
    waiting_.pop_back();
  }
  job->owner->OnEncoded(job->id, Failed(LZMA_MEM_ERROR));
}

void EncoderPool::Cancel(const EncodeOwner* owner, uint64_t id) {
  std::unique_ptr<EncodeJob> job;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto matches = [&](const auto& other) { return other->owner == owner && other->id == id; };
    const auto running = std::find_if(running_.begin(), running_.end(), matches);
    if (running != running_.end()) (*running)->cancelled = true;
    const auto found = std::find_if(waiting_.begin(), waiting_.end(), matches);
    if (found == waiting_.end()) return;
    job = std::move(*found);
    waiting_.erase(found);
  }
  job->owner->OnEncoded(job->id, Failed(LZMA_BUF_ERROR));
}

void EncoderPool::Withdraw(const EncodeOwner* owner) {
  std::unique_lock<std::mutex> lock(mutex_);
  const auto is_owned = [&](const auto& job) { return job->owner == owner; };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), is_owned), waiting_.end());
  for (EncodeJob* job : running_) {
    if (is_owned(job)) job->cancelled = true;
  }
  done_.wait(lock, [&] { return std::none_of(running_.begin(), running_.end(), is_owned); });
}

bool EncoderPool::AddThread() {
  if (waiting_.size() <= idle_count_ || thread_count_ >= thread_limit_) return thread_count_ > 0;
  // Not std::thread, whose failure to start is an exception, and so the end of a process built without them.
  pthread_t thread;
  if (pthread_create(&thread, nullptr, ThreadMain, this) != 0) return thread_count_ > 0;
  pthread_detach(thread);
  thread_count_ += 1;
  return true;
}

void* EncoderPool::ThreadMain(void* pool) {
  static_cast<EncoderPool*>(pool)->Run();
  return nullptr;
}

void EncoderPool::Run() {
  BlockEncoder encoder;
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    if (waiting_.empty()) {
      idle_count_ += 1;
      const bool has_job = wake_.wait_for(lock, kIdleTime, [&] { return !waiting_.empty(); });
      idle_count_ -= 1;
      if (!has_job) break;
    }
    const std::unique_ptr<EncodeJob> job = std::move(waiting_.front());
    waiting_.pop_front();
    running_.push_back(job.get());
    lock.unlock();
    job->owner->OnEncoded(job->id, Encode(*job, &encoder));
    lock.lock();
    running_.erase(std::find(running_.begin(), running_.end(), job.get()));
    done_.notify_all();
  }
  thread_count_ -= 1;
}

}  // namespace bundlefs
