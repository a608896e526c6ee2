// One byte after the other, on the thread of the caller; src/addon/scan-gear.ts has checked the arguments.
#include "gear-scan-binding.h"

#include <cstdint>

namespace bundlefs {

namespace {

// scanGear(bytes, start, end, mask, hash, table): see GearScan in src/plan/cut/piece-cutter.ts. Unsigned numbers
// wrap around as the int32 of JavaScript do.
Napi::Value ScanGear(const Napi::CallbackInfo& info) {
  const auto bytes = info[0].As<Napi::Uint8Array>();
  int32_t* const hash = info[4].As<Napi::Int32Array>().Data();
  const int32_t* const table = info[5].As<Napi::Int32Array>().Data();
  const uint8_t* const first = bytes.Data();
  const uint8_t* at = first + info[1].As<Napi::Number>().Int64Value();
  const uint8_t* const end = first + info[2].As<Napi::Number>().Int64Value();
  const uint32_t mask = info[3].As<Napi::Number>().Uint32Value();
  uint32_t rolling = static_cast<uint32_t>(*hash);
  bool is_cut = false;
  while (at < end && !is_cut) {
    rolling = (rolling << 1) + static_cast<uint32_t>(table[*at++]);
    is_cut = mask != 0 && (rolling & mask) == 0;
  }
  *hash = static_cast<int32_t>(rolling);
  const double position = static_cast<double>(at - first);
  return Napi::Number::New(info.Env(), is_cut ? -position : position);
}

}  // namespace

void ExportGearScan(Napi::Env env, Napi::Object exports) {
  exports["scanGear"] = Napi::Function::New(env, ScanGear);
}

}  // namespace bundlefs
