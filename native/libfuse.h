// The libfuse 2 of this process: the one that fuse-native was loaded with, found when it is wanted.
#ifndef BUNDLEFS_LIBFUSE_H_
#define BUNDLEFS_LIBFUSE_H_

#define FUSE_USE_VERSION 29
#include <fuse.h>

#include <string>

namespace bundlefs {

// Its functions, by their names without `fuse_`. The addon is not linked to libfuse: it must load where there
// is none, and must not bring a second one along where fuse-native came with its own.
struct Libfuse {
  decltype(&fuse_version) version;
  decltype(&fuse_get_context) get_context;
  decltype(&fuse_register_module) register_module;
  decltype(&fuse_fs_new) fs_new;
  decltype(&fuse_fs_init) fs_init;
  decltype(&fuse_fs_destroy) fs_destroy;
  decltype(&fuse_fs_getattr) fs_getattr;
  decltype(&fuse_fs_fgetattr) fs_fgetattr;
  decltype(&fuse_fs_readdir) fs_readdir;
  decltype(&fuse_fs_statfs) fs_statfs;
  decltype(&fuse_fs_open) fs_open;
  decltype(&fuse_fs_read_buf) fs_read_buf;
  decltype(&fuse_fs_release) fs_release;
};

// Fills in *libfuse, all of it, and returns ""; or what stands in the way, as the rest of a sentence.
std::string FindLibfuse(Libfuse* libfuse);

}  // namespace bundlefs

#endif  // BUNDLEFS_LIBFUSE_H_
