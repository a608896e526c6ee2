// Two classes of two methods each; every step runs on libuv's pool and holds its decoder and both arrays meanwhile.
#include "stream-decoder-binding.h"

#include <memory>
#include <utility>

#include "frame-decoder.h"
#include "promise-worker.h"
#include "stream-decoder.h"

namespace bundlefs {

namespace {

template <class Decoder>
class DecodeStep : public PromiseWorker {
 public:
  DecodeStep(Napi::Env env, std::shared_ptr<Decoder> decoder, Napi::Uint8Array input, bool is_last,
             Napi::Uint8Array output)
      : PromiseWorker(env),
        decoder_(std::move(decoder)),
        kept_input_(Napi::Persistent(input)),
        kept_output_(Napi::Persistent(output)),
        input_(input.Data()),
        input_size_(input.ByteLength()),
        is_last_(is_last),
        output_(output.Data()),
        output_size_(output.ByteLength()) {}

  void Execute() override {
    progress_ = decoder_->Step(input_, input_size_, is_last_, output_, output_size_);
  }

 protected:
  Napi::Value Result(Napi::Env env) override {
    Napi::Array result = Napi::Array::New(env, 3);
    result[0u] = Napi::Number::New(env, progress_.status);
    result[1u] = Napi::Number::New(env, static_cast<double>(progress_.consumed));
    result[2u] = Napi::Number::New(env, static_cast<double>(progress_.produced));
    return result;
  }

 private:
  std::shared_ptr<Decoder> decoder_;
  Napi::Reference<Napi::Uint8Array> kept_input_;
  Napi::Reference<Napi::Uint8Array> kept_output_;
  const uint8_t* input_;
  size_t input_size_;
  bool is_last_;
  uint8_t* output_;
  size_t output_size_;
  typename Decoder::Progress progress_ = {};
};

std::shared_ptr<StreamDecoder> MakeDecoder(const Napi::CallbackInfo& info, StreamDecoder*) {
  const auto number = [&](size_t index) { return info[index].As<Napi::Number>().DoubleValue(); };
  return std::make_shared<StreamDecoder>(StreamDecoderLimits{static_cast<uint32_t>(number(0)),
                                                             static_cast<uint64_t>(number(1)),
                                                             static_cast<uint64_t>(number(2))});
}

std::shared_ptr<FrameStreamDecoder> MakeDecoder(const Napi::CallbackInfo&, FrameStreamDecoder*) {
  return std::make_shared<FrameStreamDecoder>();
}

template <class Decoder>
class DecoderObject : public Napi::ObjectWrap<DecoderObject<Decoder>> {
 public:
  static Napi::Function Define(Napi::Env env, const char* name) {
    using Wrap = Napi::ObjectWrap<DecoderObject>;
    return Wrap::DefineClass(env, name,
                             {Wrap::InstanceMethod("step", &DecoderObject::Step),
                              Wrap::InstanceMethod("close", &DecoderObject::Close)});
  }

  explicit DecoderObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<DecoderObject>(info), decoder_(MakeDecoder(info, static_cast<Decoder*>(nullptr))) {}

  Napi::Value Step(const Napi::CallbackInfo& info) {
    auto* step = new DecodeStep<Decoder>(info.Env(), decoder_, info[0].As<Napi::Uint8Array>(),
                                         info[1].As<Napi::Boolean>().Value(), info[2].As<Napi::Uint8Array>());
    return step->Start();
  }

  void Close(const Napi::CallbackInfo&) { decoder_.reset(); }

 private:
  std::shared_ptr<Decoder> decoder_;
};

}  // namespace

void ExportStreamDecoder(Napi::Env env, Napi::Object exports) {
  exports["StreamDecoder"] = DecoderObject<StreamDecoder>::Define(env, "StreamDecoder");
  exports["FrameStreamDecoder"] = DecoderObject<FrameStreamDecoder>::Define(env, "FrameStreamDecoder");
}

}  // namespace bundlefs
