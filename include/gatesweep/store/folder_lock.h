// One writer per run folder.
//
// The file FOLDER/.gatesweep marks a folder as a run's and carries the lock: an open file description lock, which the
// kernel drops with the process that held it, on this node or (NFSv4, Lustre with flock) another. While held, the file
// names its holder; it is never removed, so that no two processes can lock two files of one name.
//
// Where the file system has no locks (Lustre without flock), FOLDER/.gatesweep-holder is created exclusively instead;
// one left by a process of this host that no longer runs is taken over, one of another host must be removed by the
// user.
#pragma once

#include <filesystem>
#include <string>

namespace gatesweep {

enum class LockMethod { automatic, holder_file };

class FolderLock {
public:
    static constexpr char const* file_name = ".gatesweep";
    static constexpr char const* holder_file_name = ".gatesweep-holder";

    // The folder must exist. ExitCode::cannot_create, naming the holder's host and process, when another process (or
    // another FolderLock of this one) holds it, and when the file cannot be created.
    explicit FolderLock(std::filesystem::path const& folder, LockMethod method = LockMethod::automatic);
    ~FolderLock();
    FolderLock(FolderLock const&) = delete;
    FolderLock& operator=(FolderLock const&) = delete;

private:
    void lock_or_fail(std::filesystem::path const& folder, LockMethod method);
    void create_holder_file(std::filesystem::path const& folder);

    std::filesystem::path path_;
    int descriptor_ = -1;
    std::filesystem::path holder_file_;  // empty where the file system has locks
};

}  // namespace gatesweep
