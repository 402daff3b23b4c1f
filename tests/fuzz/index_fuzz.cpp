// Input: model.safetensors.index.json of a folder with two shards, a.safetensors {x} and b.safetensors {y, z}.
#include <cstdlib>

#include "fuzz_target.h"
#include "gatesweep/input/checkpoint.h"
#include "support/safetensors_writer.h"

namespace {

namespace fs = std::filesystem;

fs::path make_folder() {
    std::string name = (fs::temp_directory_path() / "gatesweep-fuzz-XXXXXX").string();
    gatesweep::fuzz::require(::mkdtemp(name.data()) != nullptr, "a folder can be made");
    static fs::path const folder = name;
    std::atexit([] { fs::remove_all(folder); });
    gatesweep::write_safetensors(folder / "a.safetensors", {gatesweep::zero_tensor("x", {2})});
    gatesweep::write_safetensors(folder / "b.safetensors",
                                 {gatesweep::zero_tensor("y", {1}), gatesweep::zero_tensor("z", {3, 1})});
    return folder;
}

}  // namespace

void gatesweep::fuzz::fuzz_one(std::string_view input) {
    static fs::path const folder = make_folder();
    static std::ofstream out(folder / "model.safetensors.index.json", std::ios::binary);
    fs::resize_file(folder / "model.safetensors.index.json", 0);
    out.seekp(0);
    out.write(input.data(), static_cast<std::streamsize>(input.size())).flush();
    Checkpoint const checkpoint(folder);
    // A shard that the index does not name is none of the checkpoint's; of one it names, all tensors are.
    require(checkpoint.has("y") == checkpoint.has("z"), "a shard's tensors come together");
    for (auto const& name : checkpoint.tensor_names())
        require(checkpoint.file_of(name) == (name == "x" ? "a.safetensors" : "b.safetensors"),
                "tensors lie where they are");
}
