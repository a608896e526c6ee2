// One folder after the other, on the thread of the caller; src/addon/stamp-files.ts has checked the arguments.
#include "file-stamp-binding.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <string>
#include <vector>

#include "file-stamp.h"
#include "open-without-links.h"

namespace bundlefs {

namespace {

struct Place {
  std::string folder;
  std::string name;
};

Place PlaceOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  return {path.substr(0, slash), path.substr(slash + 1)};
}

// stampFiles(paths, sizes): for each path its stamp; undefined where there is no regular file of that size, or the
// errno. A folder is opened once for all of its files.
Napi::Value StampFiles(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  const auto paths = info[0].As<Napi::Array>();
  const double* const sizes = info[1].As<Napi::Float64Array>().Data();
  const uint32_t count = paths.Length();
  std::vector<Place> places;
  places.reserve(count);
  for (uint32_t index = 0; index < count; ++index) {
    // Of many thousand handles, none is needed longer than its turn.
    Napi::HandleScope scope(env);
    places.push_back(PlaceOf(paths.Get(index).As<Napi::String>()));
  }
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return places[a].folder < places[b].folder; });
  Napi::Array stamps = Napi::Array::New(env, count);
  const std::string* folder = nullptr;
  int fd = -ENOENT;
  for (const uint32_t index : order) {
    Napi::HandleScope scope(env);
    const Place& place = places[index];
    if (folder == nullptr || *folder != place.folder) {
      if (fd >= 0) close(fd);
      folder = &place.folder;
      fd = OpenWithoutLinks(place.folder.c_str(), O_PATH | O_DIRECTORY);
    }
    struct stat file;
    const int error = fd < 0                                                             ? -fd
                      : fstatat(fd, place.name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0 ? errno
                                                                                         : 0;
    if (error != 0) {
      if (error != ENOENT && error != ENOTDIR) stamps.Set(index, Napi::Number::New(env, error));
      continue;
    }
    if (!S_ISREG(file.st_mode) || static_cast<double>(file.st_size) != sizes[index]) continue;
    stamps.Set(index, Napi::String::New(env, StampOf(file)));
  }
  if (fd >= 0) close(fd);
  return stamps;
}

// openWithoutLinks(path, flags): a descriptor, or a negative errno.
Napi::Value Open(const Napi::CallbackInfo& info) {
  const std::string path = info[0].As<Napi::String>();
  return Napi::Number::New(info.Env(), OpenWithoutLinks(path.c_str(), info[1].As<Napi::Number>().Int32Value()));
}

}  // namespace

void ExportFileStamp(Napi::Env env, Napi::Object exports) {
  exports["openWithoutLinks"] = Napi::Function::New(env, Open);
  exports["stampFiles"] = Napi::Function::New(env, StampFiles);
}

}  // namespace bundlefs
