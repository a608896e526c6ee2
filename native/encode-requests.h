// One JavaScript environment's blocks and frames in the encoder pool, and the way of the results back to its thread.
#ifndef BUNDLEFS_ENCODE_REQUESTS_H_
#define BUNDLEFS_ENCODE_REQUESTS_H_

#include <napi.h>

#include <unordered_map>

#include "encoder-pool.h"

namespace bundlefs {

// Lives in the environment's instance data. Everything but OnEncoded is called on the environment's thread.
class EncodeRequests final : public EncodeOwner {
 public:
  explicit EncodeRequests(Napi::Env env);
  EncodeRequests(const EncodeRequests&) = delete;
  EncodeRequests& operator=(const EncodeRequests&) = delete;

  // Queues a block or a frame and returns the request's id. `content` is kept alive until `on_done` has been called with
  // (status, bytes?, unpaddedSize?, crc64?).
  uint64_t Start(Napi::Uint8Array content, const JobSettings& settings, Napi::Function on_done);
  void Cancel(uint64_t id);

  // On a thread of the pool, or within Start or Cancel; `on_done` is called later, on the environment's thread.
  void OnEncoded(uint64_t id, EncodeResult result) override;

 private:
  struct Request {
    Napi::Reference<Napi::Uint8Array> content;
    Napi::FunctionReference on_done;
  };
  struct Done {
    uint64_t id;
    EncodeResult result;
  };
  static void Deliver(Napi::Env env, Napi::Function unused, EncodeRequests* self, Done* done);
  using Channel = Napi::TypedThreadSafeFunction<EncodeRequests, Done, Deliver>;

  void Finish(Napi::Env env, const Done& done);
  // The environment is about to end: its buffers will be freed, so no thread may read them any more.
  void Close();

  Napi::Env env_;
  Channel channel_;
  std::unordered_map<uint64_t, Request> requests_;
  uint64_t last_id_ = 0;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_ENCODE_REQUESTS_H_
