// Work on libuv's thread pool that settles a promise.
#ifndef BUNDLEFS_PROMISE_WORKER_H_
#define BUNDLEFS_PROMISE_WORKER_H_

#include <napi.h>

namespace bundlefs {

// Execute runs on libuv's pool and touches no JavaScript; Result runs on the environment's thread. Failures
// are values. Created with new; Start gives it to the environment, which deletes it.
class PromiseWorker : public Napi::AsyncWorker {
 public:
  Napi::Promise Start() {
    const Napi::Promise promise = deferred_.Promise();
    Queue();
    return promise;
  }

 protected:
  explicit PromiseWorker(Napi::Env env) : Napi::AsyncWorker(env), deferred_(env) {}
  virtual Napi::Value Result(Napi::Env env) = 0;

 private:
  void OnOK() override { deferred_.Resolve(Result(Env())); }

  Napi::Promise::Deferred deferred_;
};

}  // namespace bundlefs

#endif  // BUNDLEFS_PROMISE_WORKER_H_
