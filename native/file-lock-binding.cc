// One system call that never waits, and so may run on the main thread.
#include "file-lock-binding.h"

#include <sys/file.h>

#include <cerrno>

namespace bundlefs {

namespace {

Napi::Value LockFile(const Napi::CallbackInfo& info) {
  const int fd = info[0].As<Napi::Number>().Int32Value();
  const int operation = info[1].As<Napi::Boolean>().Value() ? LOCK_EX : LOCK_SH;
  int result;
  do {
    result = flock(fd, operation | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  return Napi::Number::New(info.Env(), result == 0 ? 0 : errno);
}

}  // namespace

void ExportFileLock(Napi::Env env, Napi::Object exports) {
  exports["lockFile"] = Napi::Function::New(env, LockFile);
}

}  // namespace bundlefs
