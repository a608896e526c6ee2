// Arguments in, results out; src/addon/block-codec.ts has checked the arguments.
#include "block-codec-binding.h"

#include "block-decoder.h"
#include "block-encoder.h"
#include "crc64-text.h"
#include "encode-requests.h"
#include "promise-worker.h"

namespace bundlefs {

namespace {

// Keeps both arrays alive, and reads and fills them on libuv's pool.
class BlockDecoding : public PromiseWorker {
 public:
  BlockDecoding(Napi::Env env, Napi::Uint8Array block, lzma_check check, Napi::Uint8Array content)
      : PromiseWorker(env),
        kept_block_(Napi::Persistent(block)),
        kept_content_(Napi::Persistent(content)),
        block_(block.Data()),
        block_size_(block.ByteLength()),
        check_(check),
        content_(content.Data()),
        content_size_(content.ByteLength()) {}

  void Execute() override { status_ = DecodeBlock(block_, block_size_, check_, content_, content_size_); }

 protected:
  Napi::Value Result(Napi::Env env) override { return Napi::Number::New(env, status_); }

 private:
  Napi::Reference<Napi::Uint8Array> kept_block_;
  Napi::Reference<Napi::Uint8Array> kept_content_;
  const uint8_t* block_;
  size_t block_size_;
  lzma_check check_;
  uint8_t* content_;
  size_t content_size_;
  lzma_ret status_ = LZMA_PROG_ERROR;
};

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

Napi::Value EncoderMemory(const Napi::CallbackInfo& info) {
  lzma_options_lzma options = OptionsFor(info[0].As<Napi::Number>().Uint32Value(), UINT64_MAX);
  const lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  return Napi::Number::New(info.Env(), static_cast<double>(lzma_raw_encoder_memusage(filters)));
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

void SetEncoderThreads(const Napi::CallbackInfo& info) {
  EncoderPool::Get().SetThreads(info[0].As<Napi::Number>().Uint32Value());
}

Napi::Value StartDecode(const Napi::CallbackInfo& info) {
  auto* decoding = new BlockDecoding(info.Env(), info[0].As<Napi::Uint8Array>(), CheckFrom(info[1]),
                                     info[2].As<Napi::Uint8Array>());
  return decoding->Start();
}

}  // namespace

void ExportBlockCodec(Napi::Env env, Napi::Object exports) {
  exports["liblzmaVersion"] = Napi::Function::New(env, LiblzmaVersion);
  exports["crc64"] = Napi::Function::New(env, Crc64);
  exports["encoderMemory"] = Napi::Function::New(env, EncoderMemory);
  exports["startEncode"] = Napi::Function::New(env, StartEncode);
  exports["cancelEncode"] = Napi::Function::New(env, CancelEncode);
  exports["setEncoderThreads"] = Napi::Function::New(env, SetEncoderThreads);
  exports["decodeBlock"] = Napi::Function::New(env, StartDecode);
}

}  // namespace bundlefs
