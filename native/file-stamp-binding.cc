// One file after the other, on the thread of the caller; src/addon/stamp-files.ts has checked the arguments.
#include "file-stamp-binding.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include <string>

namespace bundlefs {

namespace {

// stampFiles(paths, sizes): for each path its stamp, undefined where there is no file of that size, or the errno.
Napi::Value StampFiles(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto paths = info[0].As<Napi::Array>();
  const double* const sizes = info[1].As<Napi::Float64Array>().Data();
  const uint32_t count = paths.Length();
  Napi::Array stamps = Napi::Array::New(env, count);
  for (uint32_t index = 0; index < count; ++index) {
    // Of many thousand handles, none is needed longer than its turn.
    Napi::HandleScope scope(env);
    const std::string path = paths.Get(index).As<Napi::String>();
    struct stat file;
    if (stat(path.c_str(), &file) != 0) {
      if (errno != ENOENT && errno != ENOTDIR) stamps.Set(index, Napi::Number::New(env, errno));
      continue;
    }
    if (static_cast<double>(file.st_size) != sizes[index]) continue;
    char stamp[96];  // three numbers of 20 characters and two of 9 at most
    const int length =
        snprintf(stamp, sizeof stamp, "%" PRIuMAX " %" PRIdMAX ".%09ld %" PRIdMAX ".%09ld",
                 static_cast<uintmax_t>(file.st_ino), static_cast<intmax_t>(file.st_mtim.tv_sec),
                 file.st_mtim.tv_nsec, static_cast<intmax_t>(file.st_ctim.tv_sec),
                 file.st_ctim.tv_nsec);
    stamps.Set(index, Napi::String::New(env, stamp, static_cast<size_t>(length)));
  }
  return stamps;
}

}  // namespace

void ExportFileStamp(Napi::Env env, Napi::Object exports) {
  exports["stampFiles"] = Napi::Function::New(env, StampFiles);
}

}  // namespace bundlefs
