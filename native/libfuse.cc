// Functions of a library that is loaded already, by name.
#include "libfuse.h"

#include <dlfcn.h>

namespace bundlefs {

namespace {

constexpr char kName[] = "libfuse.so.2";
// The first with read_buf, and the last but for its bugfixes.
constexpr int kWantedVersion = 29;

template <typename Function>
bool Find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(library, name));
  return *function != nullptr;
}

}  // namespace

std::string FindLibfuse(Libfuse* libfuse) {
  // By the name that fuse-native asks for, so that both get the same one. Nothing is loaded by this, and what
  // is found is not given back: libfuse points into the addon from now on.
  void* library = dlopen(kName, RTLD_NOW | RTLD_NOLOAD);
  if (library == nullptr) return std::string(kName) + " is not loaded";
  const bool has_all = Find(library, "fuse_version", &libfuse->version) &&
                       Find(library, "fuse_get_context", &libfuse->get_context) &&
                       Find(library, "fuse_register_module", &libfuse->register_module) &&
                       Find(library, "fuse_fs_new", &libfuse->fs_new) &&
                       Find(library, "fuse_fs_init", &libfuse->fs_init) &&
                       Find(library, "fuse_fs_destroy", &libfuse->fs_destroy) &&
                       Find(library, "fuse_fs_getattr", &libfuse->fs_getattr) &&
                       Find(library, "fuse_fs_fgetattr", &libfuse->fs_fgetattr) &&
                       Find(library, "fuse_fs_readdir", &libfuse->fs_readdir) &&
                       Find(library, "fuse_fs_statfs", &libfuse->fs_statfs) &&
                       Find(library, "fuse_fs_open", &libfuse->fs_open) &&
                       Find(library, "fuse_fs_read_buf", &libfuse->fs_read_buf) &&
                       Find(library, "fuse_fs_release", &libfuse->fs_release);
  if (has_all && libfuse->version() == kWantedVersion) return "";
  const std::string found = libfuse->version == nullptr ? "unknown" : std::to_string(libfuse->version());
  return std::string(kName) + " is of version " + found + ", and " + std::to_string(kWantedVersion) +
         " is wanted";
}

}  // namespace bundlefs
