// Decodes one array into another on libuv's pool.
#ifndef BUNDLEFS_DECODING_WORKER_H_
#define BUNDLEFS_DECODING_WORKER_H_

#include <napi.h>

#include <functional>
#include <utility>

#include "promise-worker.h"

namespace bundlefs {

// Reads `from`, all of it, and fills `to`, all of it; returns 0 or what went wrong.
using DecodeArray =
    std::function<int(const uint8_t* from, size_t from_size, uint8_t* to, size_t to_size)>;

// Keeps both arrays alive; settles to what `decode` returned.
class DecodingWorker : public PromiseWorker {
 public:
  DecodingWorker(Napi::Env env, Napi::Uint8Array from, Napi::Uint8Array to, DecodeArray decode)
      : PromiseWorker(env),
        kept_from_(Napi::Persistent(from)),
        kept_to_(Napi::Persistent(to)),
        from_(from.Data()),
        from_size_(from.ByteLength()),
        to_(to.Data()),
        to_size_(to.ByteLength()),
        decode_(std::move(decode)) {}

  void Execute() override { status_ = decode_(from_, from_size_, to_, to_size_); }

 protected:
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, status_); }

 private:
  Napi::Reference<Napi::Uint8Array> kept_from_;
  Napi::Reference<Napi::Uint8Array> kept_to_;
  const uint8_t* from_;
  size_t from_size_;
  uint8_t* to_;
  size_t to_size_;
  DecodeArray decode_;
  int status_ = 0;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_DECODING_WORKER_H_
