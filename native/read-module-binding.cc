// Two functions; handles are opened by the table that they read.
#include "read-module-binding.h"

#include <string>

#include "read-handles.h"
#include "read-module.h"

namespace bundlefs {

namespace {

Napi::Value Register(const Napi::CallbackInfo& info) {
  const std::string obstacle = RegisterReadModule();
  return obstacle.empty() ? info.Env().Undefined()
                          : Napi::String::New(info.Env(), obstacle).As<Napi::Value>();
}

void CloseReadHandle(const Napi::CallbackInfo& info) {
  ReadHandles::Shared().Close(info[0].As<Napi::Number>().Uint32Value());
}

}  // namespace

void ExportReadModule(Napi::Env env, Napi::Object exports) {
  exports["registerReadModule"] = Napi::Function::New(env, Register, "registerReadModule");
  exports["closeReadHandle"] = Napi::Function::New(env, CloseReadHandle, "closeReadHandle");
}

}  // namespace bundlefs
