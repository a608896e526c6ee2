// A thread-safe function carries results home; it holds the event loop open only while there are requests.
#include "encode-requests.h"

#include <utility>

#include "crc64-text.h"

namespace bundlefs {

EncodeRequests::EncodeRequests(Napi::Env env)
    : env_(env), channel_(Channel::New(env, "bundlefs encode", 0, 1, this)) {
  channel_.Unref(env);
  // Hooks run last in, first out: this one before the channel's own, so that no thread meets a closed
  // channel.
  env.AddCleanupHook([](EncodeRequests* self) { self->Close(); }, this);
}

uint64_t EncodeRequests::Start(Napi::Uint8Array content, const JobSettings& settings,
                               Napi::Function on_done) {
  const uint64_t id = ++last_id_;
  if (requests_.empty()) channel_.Ref(env_);
  requests_.emplace(id, Request{Napi::Persistent(content), Napi::Persistent(on_done)});
  auto job = std::make_unique<EncodeJob>();
  job->owner = this;
  job->id = id;
  job->content = content.Data();
  job->size = content.ByteLength();
  job->settings = settings;
  EncoderPool::Get().Submit(std::move(job));
  return id;
}

void EncodeRequests::Cancel(uint64_t id) { EncoderPool::Get().Cancel(this, id); }

void EncodeRequests::OnEncoded(uint64_t id, EncodeResult result) {
  auto* done = new Done{id, std::move(result)};
  if (channel_.NonBlockingCall(done) != napi_ok) delete done;
}

void EncodeRequests::Deliver(Napi::Env env, Napi::Function, EncodeRequests* self, Done* done) {
  const std::unique_ptr<Done> owned(done);
  // Without an environment this is the last clearing of the channel, and nobody is left to be told.
  if (static_cast<napi_env>(env) != nullptr) self->Finish(env, *owned);
}

void EncodeRequests::Finish(Napi::Env env, const Done& done) {
  const auto found = requests_.find(done.id);
  if (found == requests_.end()) return;
  const Request request = std::move(found->second);
  requests_.erase(found);
  if (requests_.empty()) channel_.Unref(env);
  const EncodeResult& result = done.result;
  const Napi::Number status = Napi::Number::New(env, result.status);
  if (result.status != LZMA_OK) {
    request.on_done.Call({status});
    return;
  }
  request.on_done.Call({status, Napi::Buffer<uint8_t>::Copy(env, result.bytes(), result.size),
                        Napi::Number::New(env, static_cast<double>(result.unpadded_size)),
                        Crc64Text(env, result.crc64)});
}

void EncodeRequests::Close() {
  EncoderPool::Get().Withdraw(this);
  requests_.clear();
}

}  // namespace bundlefs
