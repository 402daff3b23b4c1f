// The file system's calls, as base/file and the run folder's lock make them: the one seam at which a test can make any
// of them fail, stop half way or kill the process (base/faults.h). Outside a test each costs one untaken branch.
//
// Results and errno are those of the call of that name (section 2 of the manual), except that an interrupted call is
// made again. `path` names the file of a descriptor, so that a fault can be aimed at it.
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

namespace gatesweep::system_call {

using Path = std::filesystem::path;

int open(Path const& path, int flags, mode_t mode = 0644);
ssize_t read_at(int descriptor, Path const& path, std::uint64_t offset, std::span<std::byte> out);
ssize_t write(int descriptor, Path const& path, std::string_view bytes);
int truncate(int descriptor, Path const& path, std::uint64_t size);
int sync(int descriptor, Path const& path);       // fsync
int sync_data(int descriptor, Path const& path);  // fdatasync
// The descriptor is gone whatever comes back; an interrupted close is a success on Linux.
int close(int descriptor, Path const& path);
int stat(Path const& path, struct stat& status);
int stat(int descriptor, Path const& path, struct stat& status);
int rename(Path const& from, Path const& to);
int link(Path const& existing, Path const& name);
int unlink(Path const& path);
int make_folder(Path const& path);
int list(Path const& folder, std::vector<Path>& entries);  // sorted

}  // namespace gatesweep::system_call
