// Arguments in, results out; src/addon/frame-codec.ts has checked the arguments.
#include "frame-codec-binding.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "decoding-worker.h"
#include "encode-requests.h"
#include "frame-decoder.h"
#include "frame-encoder.h"

namespace bundlefs {

namespace {

Napi::Value LibzstdVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), ZSTD_versionString());
}

Napi::Value ZstdErrorText(const Napi::CallbackInfo& info) {
  const auto code = static_cast<ZSTD_ErrorCode>(info[0].As<Napi::Number>().Int32Value());
  return Napi::String::New(info.Env(), ZSTD_getErrorString(code));
}

Napi::Value StartFrame(const Napi::CallbackInfo& info) {
  const FrameSettings settings = {info[1].As<Napi::Number>().Int32Value()};
  const uint64_t id = info.Env().GetInstanceData<EncodeRequests>()->Start(
      info[0].As<Napi::Uint8Array>(), settings, info[2].As<Napi::Function>());
  return Napi::Number::New(info.Env(), static_cast<double>(id));
}

Napi::Value StartDecode(const Napi::CallbackInfo& info) {
  auto* decoding = new DecodingWorker(info.Env(), info[0].As<Napi::Uint8Array>(),
                                      info[1].As<Napi::Uint8Array>(), DecodeFrame);
  return decoding->Start();
}

}  // namespace

void ExportFrameCodec(Napi::Env env, Napi::Object exports) {
  exports["libzstdVersion"] = Napi::Function::New(env, LibzstdVersion);
  exports["zstdErrorText"] = Napi::Function::New(env, ZstdErrorText);
  exports["startFrame"] = Napi::Function::New(env, StartFrame);
  exports["decodeFrame"] = Napi::Function::New(env, StartDecode);
}

}  // namespace bundlefs
