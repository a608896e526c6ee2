// A class of four methods; a read that may wait runs on libuv's pool, and holds table and target meanwhile.
#include "extent-reader-binding.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "extent-table.h"
#include "promise-worker.h"
#include "read-handles.h"

namespace bundlefs {

namespace {

const char* NameOf(ExtentTable::Fault fault) {
  switch (fault) {
    case ExtentTable::Fault::kMissing:
      return "missing";
    case ExtentTable::Fault::kCorrupt:
      return "corrupt";
    case ExtentTable::Fault::kFailed:
      return "failed";
  }
  return "failed";
}

class TableRead : public PromiseWorker {
 public:
  TableRead(Napi::Env env, std::shared_ptr<ExtentTable> table, Napi::Uint8Array target, uint64_t position)
      : PromiseWorker(env),
        table_(std::move(table)),
        kept_target_(Napi::Persistent(target)),
        target_(reinterpret_cast<char*>(target.Data())),
        length_(target.ByteLength()),
        position_(position) {}

  void Execute() override { count_ = table_->Read(target_, length_, position_, 0, &failure_); }

 protected:
  Napi::Value Result(Napi::Env env) override {
    if (count_ >= 0) return Napi::Number::New(env, static_cast<double>(count_));
    Napi::Object failure = Napi::Object::New(env);
    failure["kind"] = Napi::String::New(env, NameOf(failure_.fault));
    failure["file"] = Napi::Number::New(env, failure_.file);
    failure["errno"] = Napi::Number::New(env, failure_.error);
    return failure;
  }

 private:
  std::shared_ptr<ExtentTable> table_;
  Napi::Reference<Napi::Uint8Array> kept_target_;
  char* target_;
  size_t length_;
  uint64_t position_;
  ssize_t count_ = -EIO;
  ExtentTable::Failure failure_ = {ExtentTable::Fault::kFailed, 0, EIO};
};

// new ExtentTable(paths, sizes, crc64s, digests, stamps, starts, extentFiles, positions, memory, openFileLimit):
// `starts` has one entry more than there are extents, the size of all; a limit of 0 stands for the cache that
// the process shares.
std::shared_ptr<ExtentTable> TableFrom(const Napi::CallbackInfo& info) {
  const auto paths = info[0].As<Napi::Array>();
  const auto sizes = info[1].As<Napi::Float64Array>();
  const auto crc64s = info[2].As<Napi::BigUint64Array>();
  const auto digests = info[3].As<Napi::Uint8Array>();
  const auto stamps = info[4].As<Napi::Array>();
  const auto starts = info[5].As<Napi::Float64Array>();
  const auto extent_files = info[6].As<Napi::Uint32Array>();
  const auto positions = info[7].As<Napi::Float64Array>();
  const auto memory = info[8].As<Napi::Uint8Array>();
  const uint32_t open_file_limit = info[9].As<Napi::Number>().Uint32Value();

  std::vector<ExtentTable::File> files;
  files.reserve(paths.Length());
  for (uint32_t index = 0; index < paths.Length(); ++index) {
    const Napi::HandleScope scope(info.Env());
    Sha256::Digest digest;
    memcpy(digest.data(), digests.Data() + digest.size() * index, digest.size());
    files.push_back({paths.Get(index).As<Napi::String>().Utf8Value(), static_cast<uint64_t>(sizes[index]),
                     crc64s[index], digest, stamps.Get(index).As<Napi::String>().Utf8Value()});
  }
  std::vector<ExtentTable::Extent> extents;
  extents.reserve(extent_files.ElementLength());
  for (size_t index = 0; index < extent_files.ElementLength(); ++index) {
    extents.push_back(
        {static_cast<uint64_t>(starts[index]), static_cast<uint64_t>(positions[index]), extent_files[index]});
  }
  return std::make_shared<ExtentTable>(
      std::move(files), std::move(extents),
      std::string(reinterpret_cast<const char*>(memory.Data()), memory.ByteLength()),
      static_cast<uint64_t>(starts[extents.size()]),
      open_file_limit == 0 ? FdCache::Shared() : std::make_shared<FdCache>(open_file_limit));
}

class ExtentTableObject : public Napi::ObjectWrap<ExtentTableObject> {
 public:
  explicit ExtentTableObject(const Napi::CallbackInfo& info)
      : Napi::ObjectWrap<ExtentTableObject>(info), table_(TableFrom(info)) {}

  Napi::Value Read(const Napi::CallbackInfo& info) {
    auto* read = new TableRead(info.Env(), table_, info[0].As<Napi::Uint8Array>(), PositionFrom(info[1]));
    return read->Start();
  }

  Napi::Value TryRead(const Napi::CallbackInfo& info) {
    Napi::Uint8Array target = info[0].As<Napi::Uint8Array>();
    const ssize_t count = table_->Read(reinterpret_cast<char*>(target.Data()), target.ByteLength(),
                                       PositionFrom(info[1]), ExtentTable::kNoWait);
    if (count < 0) return info.Env().Undefined();
    return Napi::Number::New(info.Env(), static_cast<double>(count));
  }

  Napi::Value OpenHandle(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(ReadHandles::Shared().Open(table_)));
  }

  void Close(const Napi::CallbackInfo&) { table_.reset(); }

 private:
  static uint64_t PositionFrom(const Napi::Value& value) {
    return static_cast<uint64_t>(value.As<Napi::Number>().DoubleValue());
  }

  std::shared_ptr<ExtentTable> table_;
};

}  // namespace

void ExportExtentTable(Napi::Env env, Napi::Object exports) {
  exports["ExtentTable"] = ExtentTableObject::DefineClass(
      env, "ExtentTable",
      {ExtentTableObject::InstanceMethod("read", &ExtentTableObject::Read),
       ExtentTableObject::InstanceMethod("tryRead", &ExtentTableObject::TryRead),
       ExtentTableObject::InstanceMethod("openHandle", &ExtentTableObject::OpenHandle),
       ExtentTableObject::InstanceMethod("close", &ExtentTableObject::Close)});
}

}  // namespace bundlefs
