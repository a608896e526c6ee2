// Arguments in, results out; src/addon/block-codec.ts has checked the arguments.
#include "block-codec-binding.h"

#include "block-decoder.h"
#include "block-encoder.h"
#include "crc64-text.h"
#include "decoding-worker.h"
#include "encode-requests.h"

namespace bundlefs {

namespace {

lzma_check CheckFrom(const Napi::Value& value) {
  return static_cast<lzma_check>(value.As<Napi::Number>().Uint32Value());
}

Napi::Value LiblzmaVersion(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), lzma_version_string());
}

Napi::Value Crc64(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  return Crc64Text(info.Env(), lzma_crc64(bytes.Data(), bytes.ByteLength(), 0));
}

Napi::Value StartEncode(const Napi::CallbackInfo& info) {
  const EncodeSettings settings = {info[1].As<Napi::Number>().Uint32Value(), CheckFrom(info[2])};
  const uint64_t id = info.Env().GetInstanceData<EncodeRequests>()->Start(
      info[0].As<Napi::Uint8Array>(), settings, info[3].As<Napi::Function>());
  return Napi::Number::New(info.Env(), static_cast<double>(id));
}

void CancelEncode(const Napi::CallbackInfo& info) {
  info.Env().GetInstanceData<EncodeRequests>()->Cancel(
      static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value()));
}

Napi::Value StartDecode(const Napi::CallbackInfo& info) {
  const lzma_check check = CheckFrom(info[1]);
  const auto decode = [check](const uint8_t* block, size_t size, uint8_t* content, size_t content_size) {
    return DecodeBlock(block, size, check, content, content_size);
  };
  auto* decoding = new DecodingWorker(info.Env(), info[0].As<Napi::Uint8Array>(),
                                      info[2].As<Napi::Uint8Array>(), decode);
  return decoding->Start();
}

}  // namespace

void ExportBlockCodec(Napi::Env env, Napi::Object exports) {
  exports["liblzmaVersion"] = Napi::Function::New(env, LiblzmaVersion);
  exports["crc64"] = Napi::Function::New(env, Crc64);
  exports["startEncode"] = Napi::Function::New(env, StartEncode);
  exports["cancelEncode"] = Napi::Function::New(env, CancelEncode);
  exports["decodeBlock"] = Napi::Function::New(env, StartDecode);
}

}  // namespace bundlefs
