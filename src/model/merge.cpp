#include "gatesweep/model/merge.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "adapter_product.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/input/checkpoint.h"
#include "gatesweep/model/checkpoint_layout.h"
#include "stored_tensor.h"

namespace gatesweep {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t piece_bytes = std::uint64_t{1} << 22;

std::string_view text_of(at::Tensor const& x) {
    return {static_cast<char const*>(x.const_data_ptr()), x.nbytes()};
}

// One shard after the other, each tensor where it was.
class Merger {
public:
    Merger(fs::path const& folder, Adapter const& adapter)
        : adapter_(adapter),
          checkpoint_(folder),
          config_(load_model_config(folder)),
          map_(validate_checkpoint(checkpoint_, config_)) {
        GATESWEEP_VALIDATE(!config_.mxfp4_experts, ExitCode::bad_data,
                           "{}: its experts are stored as MXFP4 (whose blocks cannot hold the sum of a weight and an "
                           "adapter's): leave them so and name the adapter in the job, [model] adapter",
                           folder.string());
        for (auto const& [place, stored] : map_.weights()) {
            if (AdapterProduct(&adapter, place).is_empty()) continue;
            adapted_[stored.tensor].emplace_back(place, &stored);
        }
    }

    void write(fs::path const& out) const {
        auto const shards = checkpoint_.shard_sizes();
        for (auto const& [shard, size] : shards)
            write_shard(shard, size, out);
        // An index that is not read would name shards that are not there.
        bool const has_index = !shards.contains("model.safetensors");
        for (fs::path const& file : list_folder(checkpoint_.folder()))
            copy(file, out, has_index);
    }

private:
    void write_shard(std::string const& shard, std::uint64_t size, fs::path const& out) const {
        std::map<std::uint64_t, std::string> tensors;  // by where they begin; those of no bytes need no copy
        std::uint64_t data = 0;
        for (std::string const& tensor : checkpoint_.tensor_names()) {
            std::uint64_t const bytes = checkpoint_.entry(tensor).num_bytes();
            if (checkpoint_.file_of(tensor) != shard || bytes == 0) continue;
            tensors.emplace(checkpoint_.entry(tensor).begin, tensor);
            data += bytes;
        }
        write_file_atomically(out / shard, [&](OutputFile& file) {
            // Types and shapes stay, and so does the header.
            std::string header(size - data, '\0');
            InputFile(checkpoint_.folder() / shard).read_at(0, std::as_writable_bytes(std::span(header)));
            file.append(header);
            for (auto const& [begin, tensor] : tensors)
                write_tensor(tensor, file);
        });
    }

    void write_tensor(std::string const& tensor, OutputFile& file) const {
        TensorEntry const& entry = checkpoint_.entry(tensor);
        std::uint64_t const element = static_cast<std::uint64_t>(entry.type.bits / 8);
        std::uint64_t at = 0;
        if (auto const found = adapted_.find(tensor); found != adapted_.end()) {
            auto parts = found->second;
            std::ranges::sort(parts, {}, [](auto const& part) { return part.second->first_element; });
            for (auto const& [place, stored] : parts) {
                copy_bytes(tensor, at, stored->first_element * element, file);
                file.append(text_of(sum_of(place, *stored, entry)));
                at = (stored->first_element + static_cast<std::uint64_t>(stored->num_elements())) * element;
            }
        }
        copy_bytes(tensor, at, entry.num_bytes(), file);
    }

    void copy_bytes(std::string const& tensor, std::uint64_t first, std::uint64_t last, OutputFile& file) const {
        std::string piece;
        for (; first < last; first += piece.size()) {
            piece.resize(std::min(piece_bytes, last - first));
            checkpoint_.read(tensor, first, std::as_writable_bytes(std::span(piece)));
            file.append(piece);
        }
    }

    // As it is stored.
    at::Tensor sum_of(WeightPlace const& place, StoredWeight const& stored, TensorEntry const& entry) const {
        bool const is_turned = stored.storing == Storing::columns;
        std::int64_t const out = stored.shape[0], in = stored.shape[1];
        at::Tensor const raw = at::empty({is_turned ? in : out, is_turned ? out : in}, stored_type(entry));
        checkpoint_.read(stored.tensor, stored.first_element * raw.element_size(), bytes_of(raw));
        std::string const file = checkpoint_.file_of(stored.tensor);
        refuse_non_finite(raw, stored.tensor, file, "the checkpoint is damaged; copy it again");
        at::Tensor const sum = (is_turned ? raw.t() : raw).to(at::kFloat).contiguous();
        AdapterProduct(&adapter_, place).add_to(sum, 0);
        at::Tensor const rounded = (is_turned ? sum.t() : sum).to(raw.scalar_type()).contiguous();
        refuse_non_finite(rounded, stored.tensor, file + " with the adapter",
                          "the adapter's values are too large for the type that the checkpoint stores; use another");
        return rounded;
    }

    // What stands beside the weights: configuration, tokenizer, templates.
    static void copy(fs::path const& from, fs::path const& to, bool has_index) {
        std::string const name = from.filename().string();
        for (std::string_view const weights :
             {".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".h5", ".msgpack"})
            if (name.ends_with(weights)) return;
        if (name.ends_with(".index.json") && !(has_index && name == "model.safetensors.index.json")) return;
        if (name.starts_with('.')) return;
        FileKind const kind = file_kind(from);
        if (kind == FileKind::file) copy_file_atomically(from, to / name);
        if (kind != FileKind::folder || name != "additional_chat_templates") return;
        create_folder(to / name);
        for (fs::path const& file : list_folder(from))
            copy(file, to / name, false);
    }

    Adapter const& adapter_;
    Checkpoint const checkpoint_;
    ModelConfig const config_;
    WeightMap const map_;
    std::map<std::string, std::vector<std::pair<WeightPlace, StoredWeight const*>>> adapted_;  // by tensor
};

// Of an earlier try that was cut off.
void make_empty(fs::path const& folder) {
    create_folder(folder);
    for (fs::path const& file : list_folder(folder)) {
        if (file_kind(file) == FileKind::folder) {
            for (fs::path const& inner : list_folder(file))
                remove_file(inner);
        } else {
            remove_file(file);
        }
    }
}

}  // namespace

void merge_checkpoint(fs::path const& folder, Adapter const& adapter, fs::path const& out) {
    fs::path target = fs::absolute(out).lexically_normal();
    if (!target.has_filename()) target = target.parent_path();  // "out/"
    GATESWEEP_VALIDATE(file_kind(target) == FileKind::missing, ExitCode::cannot_create,
                       "{}: is there already (a checkpoint is never written over another): choose a new folder",
                       target.string());
    Merger const merger(folder, adapter);
    fs::path const part = target.string() + ".part";
    make_empty(part);
    merger.write(part);
    sync_folder(part);
    rename_folder(part, target);
}

}  // namespace gatesweep
