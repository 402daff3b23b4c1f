// A Hugging Face checkpoint folder: model.safetensors, or the shards that model.safetensors.index.json names.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/input/safetensors.h"

namespace gatesweep {

// Whether the tensor is a constant that older programs saved beside the weights and that is computed anew: no model
// needs it, whether it is there or only named.
bool is_harmless_tensor(std::string_view name);

class Checkpoint {
public:
    // Opens headers only. The index may name plain file names only (no '/', '..', absolute paths), every mapped tensor
    // must be in its shard and every shard tensor mapped once, harmless ones apart. Links that the user placed are
    // followed (the hub's cache is made of them). Where both are there, model.safetensors counts. Shards stay open.
    // Errors: input_missing; bad_data, also for an adapter beside the weights, which transformers would add to them.
    explicit Checkpoint(std::filesystem::path folder);

    std::filesystem::path const& folder() const { return folder_; }
    bool has(std::string const& tensor) const { return location_.contains(tensor); }
    std::vector<std::string> tensor_names() const;
    // What is there and plays no part, for the user.
    std::vector<std::string> const& notices() const { return notices_; }
    TensorEntry const& entry(std::string const& tensor) const;  // error: bad_data, names the tensor
    std::string file_of(std::string const& tensor) const;       // shard file name, for messages
    // Bytes [first, first + out.size()) of the tensor, as stored.
    void read(std::string const& tensor, std::uint64_t first, std::span<std::byte> out) const;

    std::uint64_t bytes_read() const { return bytes_read_; }  // tensor bytes this process has read
    std::uint64_t total_bytes() const;                        // tensor bytes of the whole checkpoint
    // File name -> size in bytes of each shard, for the manifest.
    std::map<std::string, std::uint64_t> shard_sizes() const;
    // Digest of names, types, shapes, offsets and shard sizes (not of the weights' bytes).
    std::string layout_digest() const;

private:
    SafetensorsFile const& shard_of(std::string const& tensor) const;
    void note_harmless(std::int64_t only_named = 0);

    std::filesystem::path folder_;
    std::vector<SafetensorsFile> shards_;
    std::map<std::string, std::size_t> location_;  // tensor -> index into shards_
    std::vector<std::string> notices_;
    mutable std::atomic<std::uint64_t> bytes_read_{0};
};

}  // namespace gatesweep
