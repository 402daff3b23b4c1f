#include "gatesweep/input/checkpoint.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/words.h"
#include "gatesweep/input/strict_json.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view single_name = "model.safetensors";
constexpr std::string_view index_name = "model.safetensors.index.json";
constexpr std::uint64_t max_index_bytes = std::uint64_t{1} << 27;

// A dangling link counts as present: opening it then says what is wrong with it.
bool present(fs::path const& path) {
    std::error_code ignored;
    return fs::exists(fs::symlink_status(path, ignored));
}

// Why a folder without model.safetensors and without its index cannot be read.
[[noreturn]] void no_weights(fs::path const& folder) {
    std::vector<std::string> pickled, loose;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), last; !error && it != last; it.increment(error)) {
        std::string const extension = it->path().extension().string();
        if (extension == ".bin" || extension == ".pt" || extension == ".pth" || extension == ".ckpt") {
            pickled.push_back(it->path().filename().string());
        } else if (extension == ".safetensors") {
            loose.push_back(it->path().filename().string());
        }
    }
    auto const first = [](std::vector<std::string> const& names) {
        return printable(*std::ranges::min_element(names));
    };
    if (!loose.empty()) {
        fail(ExitCode::input_missing,
             "{}: holds {} but not {} (which tells the tensors' places): copy the index beside the shards",
             folder.string(), first(loose), index_name);
    }
    if (!pickled.empty()) {
        fail(ExitCode::input_missing,
             "{}: holds only pickled weights, such as {} (reading those can run code that they carry): convert them to "
             "safetensors first",
             folder.string(), first(pickled));
    }
    fail(ExitCode::input_missing, "{}: neither {} nor {} is there: name the folder of a downloaded checkpoint",
         folder.string(), single_name, index_name);
}

// Whether opening folder / name can reach nothing but an entry of the folder itself.
bool is_plain_file_name(std::string_view name) {
    bool const control = std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    return !name.empty() && name.size() <= 255 && name.front() != '-' && !control &&
           name.find_first_of("/\\") == std::string_view::npos && name.find("..") == std::string_view::npos;
}

// tensor -> shard file name
std::map<std::string, std::string> read_index(fs::path const& path) {
    std::string const name = path.string();
    auto const index = parse_strict_json(read_file(path, max_index_bytes), name, 8);
    GATESWEEP_VALIDATE(index.is_object() && index.contains("weight_map") && index["weight_map"].is_object(),
                       ExitCode::bad_data,
                       "{}: no weight_map object (it tells the tensors' places): copy the file again", name);
    if (auto const metadata = index.find("metadata"); metadata != index.end()) {
        GATESWEEP_VALIDATE(metadata->is_object(), ExitCode::bad_data,
                           "{}: metadata is not an object (the file is damaged): copy it again", name);
        auto const size = metadata->find("total_size");
        GATESWEEP_VALIDATE(size == metadata->end() || size->is_number_unsigned(), ExitCode::bad_data,
                           "{}: metadata.total_size is not an unsigned integer (the file is damaged): copy it again",
                           name);
    }
    std::map<std::string, std::string> places;
    for (auto const& [tensor, file] : index["weight_map"].items()) {
        GATESWEEP_VALIDATE(file.is_string(), ExitCode::bad_data,
                           "{}: the place of tensor \"{}\" is not a file name: copy the file again", name,
                           printable(tensor));
        auto const& shard = file.get_ref<std::string const&>();
        GATESWEEP_VALIDATE(is_plain_file_name(shard) && shard.ends_with(".safetensors"), ExitCode::bad_data,
                           "{}: tensor \"{}\" is said to lie in \"{}\", which is not the plain name of a .safetensors "
                           "file (an index may not reach outside its folder): do not use this checkpoint",
                           name, printable(tensor), printable(shard));
        places.emplace(tensor, shard);
    }
    GATESWEEP_VALIDATE(!places.empty(), ExitCode::bad_data, "{}: the weight_map is empty: copy the file again", name);
    return places;
}

// The distinct shards in name order; all of them exist.
std::vector<std::string> shard_names(fs::path const& folder, std::map<std::string, std::string> const& places) {
    std::map<std::string, std::size_t> num_tensors;
    for (auto const& [tensor, shard] : places)
        ++num_tensors[shard];
    std::vector<std::string> names, missing;
    for (auto const& [shard, count] : num_tensors) {
        names.push_back(shard);
        std::error_code ignored;
        if (!fs::exists(folder / shard, ignored)) missing.push_back(shard);
    }
    if (!missing.empty()) {
        fail(ExitCode::input_missing,
             "{}: the shard {} is missing, with {} tensors ({} of the {} shards that {} names are missing): copy the "
             "checkpoint again",
             folder.string(), printable(missing.front()), num_tensors[missing.front()], missing.size(), names.size(),
             index_name);
    }
    return names;
}

// Both ways: each mapped tensor is in its shard, each tensor of a shard is mapped to it.
void check_places(fs::path const& folder, std::map<std::string, std::string> const& places,
                  std::map<std::string, std::size_t> const& shard_ids, std::vector<SafetensorsFile> const& shards) {
    for (auto const& [tensor, shard] : places) {
        GATESWEEP_VALIDATE(
            is_harmless_tensor(tensor) || shards[shard_ids.at(shard)].tensors().contains(tensor), ExitCode::bad_data,
            "{}: no tensor \"{}\", which {} places there (index and shards do not belong together): copy "
            "the checkpoint again",
            (folder / shard).string(), printable(tensor), index_name);
    }
    for (auto const& file : shards) {
        std::string const name = file.path().filename().string();
        for (auto const& [tensor, entry] : file.tensors()) {
            auto const place = places.find(tensor);
            if (place == places.end() && is_harmless_tensor(tensor)) continue;
            GATESWEEP_VALIDATE(place != places.end(), ExitCode::bad_data,
                               "{}: holds tensor \"{}\", which {} does not name (index and shards do not belong "
                               "together): copy the checkpoint again",
                               file.path().string(), printable(tensor), index_name);
            GATESWEEP_VALIDATE(place->second == name, ExitCode::bad_data,
                               "{}: holds tensor \"{}\", which {} places in {} (two copies may differ): copy the "
                               "checkpoint again",
                               file.path().string(), printable(tensor), index_name, printable(place->second));
        }
    }
}

// What transformers would do with files that gatesweep does not read.
std::vector<std::string> files_beside(fs::path const& folder) {
    GATESWEEP_VALIDATE(!present(folder / "adapter_config.json"), ExitCode::bad_data,
                       "{}: lies beside the weights (transformers would add the adapter to them, gatesweep does not): "
                       "merge it into the weights, or move it elsewhere",
                       (folder / "adapter_config.json").string());
    std::vector<std::string> notices;
    if (present(folder / "quantize_config.json"))
        notices.push_back(
            fmt::format("{}: is not read (it tells of a quantisation): the weights count as they are "
                        "stored",
                        (folder / "quantize_config.json").string()));
    return notices;
}

}  // namespace

bool is_harmless_tensor(std::string_view name) {
    return name.ends_with("rotary_emb.inv_freq") || name.ends_with("rotary_emb.cos_cached") ||
           name.ends_with("rotary_emb.sin_cached");
}

Checkpoint::Checkpoint(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::error_code error;
    bool const is_folder = fs::is_directory(folder_, error);
    GATESWEEP_VALIDATE(is_folder, ExitCode::input_missing, "{}: {}: name the folder of a downloaded checkpoint",
                       folder_.string(), present(folder_) ? "not a folder" : "no such folder");
    notices_ = files_beside(folder_);
    if (present(folder_ / single_name)) {
        shards_.emplace_back(folder_ / single_name);
        for (auto const& [tensor, entry] : shards_.front().tensors())
            location_.emplace(tensor, 0);
        note_harmless();
        return;
    }
    if (!present(folder_ / index_name)) no_weights(folder_);
    auto const places = read_index(folder_ / index_name);
    std::map<std::string, std::size_t> shard_ids;
    for (auto const& name : shard_names(folder_, places)) {
        shard_ids.emplace(name, shards_.size());
        shards_.emplace_back(folder_ / name);
    }
    check_places(folder_, places, shard_ids, shards_);
    for (auto const& [tensor, shard] : places) {
        std::size_t const id = shard_ids.at(shard);
        if (shards_[id].tensors().contains(tensor)) location_.emplace(tensor, id);
    }
    std::int64_t const only_named = std::ssize(places) - std::ssize(location_);
    note_harmless(only_named);
}

void Checkpoint::note_harmless(std::int64_t only_named) {
    std::int64_t num = only_named;
    for (auto const& shard : shards_) {
        for (auto const& [tensor, entry] : shard.tensors())
            num += is_harmless_tensor(tensor);
    }
    if (num > 0)
        notices_.push_back(
            fmt::format("{}: {} of rotary embeddings (inv_freq and the like) that are computed anew are "
                        "passed over",
                        folder_.string(), plural(num, "tensor")));
}

std::vector<std::string> Checkpoint::tensor_names() const {
    std::vector<std::string> names;
    names.reserve(location_.size());
    for (auto const& [tensor, shard] : location_)
        names.push_back(tensor);
    return names;
}

SafetensorsFile const& Checkpoint::shard_of(std::string const& tensor) const {
    auto const found = location_.find(tensor);
    GATESWEEP_VALIDATE(found != location_.end(), ExitCode::bad_data,
                       "{}: the checkpoint has no tensor \"{}\": check that it is complete", folder_.string(),
                       printable(tensor));
    return shards_[found->second];
}

TensorEntry const& Checkpoint::entry(std::string const& tensor) const {
    return shard_of(tensor).tensors().at(tensor);
}

std::string Checkpoint::file_of(std::string const& tensor) const {
    return shard_of(tensor).path().filename().string();
}

void Checkpoint::read(std::string const& tensor, std::uint64_t first, std::span<std::byte> out) const {
    shard_of(tensor).read(tensor, first, out);
    bytes_read_.fetch_add(out.size(), std::memory_order_relaxed);
}

std::uint64_t Checkpoint::total_bytes() const {
    std::uint64_t total = 0;
    for (auto const& shard : shards_) {
        for (auto const& [tensor, entry] : shard.tensors())
            total += entry.num_bytes();
    }
    return total;
}

std::map<std::string, std::uint64_t> Checkpoint::shard_sizes() const {
    std::map<std::string, std::uint64_t> sizes;
    for (auto const& shard : shards_)
        sizes.emplace(shard.path().filename().string(), shard.file_size());
    return sizes;
}

std::string Checkpoint::layout_digest() const {
    FastDigest digest;
    for (auto const& shard : shards_) {
        digest.add(shard.path().filename().string()).add(std::to_string(shard.file_size()));
        for (auto const& [tensor, entry] : shard.tensors()) {
            digest.add(tensor).add(entry.type.name);
            digest.add(fmt::format("{} {} {}", fmt::join(entry.shape, ","), entry.begin, entry.end));
        }
    }
    return digest.hex();
}

}  // namespace gatesweep
