// Memory that O_DIRECT can read into (open(2), "O_DIRECT"), posix_fadvise, and reads of what is in the page cache. None
// of them waits for a disk: DONTNEED drops pages that are clean, and leaves others alone; NOWAIT reads what is there.
#include "device-io-binding.h"

#include <fcntl.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstdlib>

namespace bundlefs {

namespace {

Napi::Value AllocateAligned(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto size = static_cast<size_t>(info[0].As<Napi::Number>().Int64Value());
  const auto alignment = static_cast<size_t>(info[1].As<Napi::Number>().Int64Value());
  void* bytes = nullptr;
  if (posix_memalign(&bytes, alignment, size) != 0) {
    Napi::Error::New(env, "out of memory").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  return Napi::Buffer<uint8_t>::New(env, static_cast<uint8_t*>(bytes), size,
                                    [](Napi::Env, uint8_t* data) { free(data); });
}

Napi::Value DropFileCache(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  return Napi::Number::New(info.Env(), posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

Napi::Value ReadAtHand(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  auto target = info[1].As<Napi::Uint8Array>();
  const iovec part = {target.Data(), target.ByteLength()};
  const ssize_t count = preadv2(fd, &part, 1, info[2].As<Napi::Number>().Int64Value(), RWF_NOWAIT);
  return Napi::Number::New(info.Env(), static_cast<double>(count < 0 ? -errno : count));
}

}  // namespace

void ExportDeviceIo(Napi::Env env, Napi::Object exports) {
  exports["allocateAligned"] = Napi::Function::New(env, AllocateAligned);
  exports["dropFileCache"] = Napi::Function::New(env, DropFileCache);
  exports["readAtHand"] = Napi::Function::New(env, ReadAtHand);
}

}  // namespace bundlefs
