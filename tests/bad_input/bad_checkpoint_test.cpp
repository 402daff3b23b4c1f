// Damaged weights: shards, their headers, their values, and the index that names them.
#include "broken_checkpoint.h"

namespace gatesweep {
namespace {

constexpr char const* first_shard = "model-00001-of-00003.safetensors";
constexpr char const* second_shard = "model-00002-of-00003.safetensors";
constexpr char const* last_shard = "model-00003-of-00003.safetensors";
constexpr char const* index_file = "model/model.safetensors.index.json";
// In the second and the last shard; with expert parallel 2 the first and the second rank read them.
constexpr char const* expert_of_rank_0 = "model.layers.1.block_sparse_moe.experts.1.w1.weight";
constexpr char const* expert_of_rank_1 = "model.layers.1.block_sparse_moe.experts.7.w2.weight";

// What a clone without Git LFS has in the place of a large file.
constexpr char const* lfs_pointer =
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 4892809584\n";

void truncate(Workshop const& w, std::string_view shard, std::int64_t bytes) {
    auto const path = w / "model" / shard;
    std::filesystem::resize_file(
        path, static_cast<std::uintmax_t>(static_cast<std::int64_t>(std::filesystem::file_size(path)) + bytes));
}

std::vector<BadCase> files() {
    return {
        {"truncated_shard",
         ExitCode::bad_data,
         {second_shard, "is truncated (", "copy it again"},
         [](Workshop& w) { truncate(w, second_shard, -1000); }},
        {"empty_shard",
         ExitCode::bad_data,
         {second_shard, "0 bytes, too short", "copy it again"},
         [](Workshop& w) { w.write(std::string("model/") + second_shard, ""); }},
        {"bytes_after_the_last_tensor",
         ExitCode::bad_data,
         {last_shard, "16 bytes follow the last tensor", "copy the file again"},
         [](Workshop& w) { truncate(w, last_shard, 16); }},
        {"pointer_for_a_shard",
         ExitCode::bad_data,
         {second_shard, "is a Git LFS pointer", "run git lfs pull"},
         [](Workshop& w) { w.write(std::string("model/") + second_shard, lfs_pointer); }},
        {"pointer_for_the_vocabulary",
         ExitCode::bad_data,
         {"tokenizer.model", "is a Git LFS pointer", "run git lfs pull"},
         [](Workshop& w) { w.write("model/tokenizer.model", lfs_pointer); }},
        {"adapter_beside_the_weights",
         ExitCode::bad_data,
         {"adapter_config.json", "transformers would add the adapter", "merge it"},
         [](Workshop& w) { w.write("model/adapter_config.json", "{}"); }},
        {"missing_shard",
         ExitCode::input_missing,
         {last_shard, "is missing", "1 of the 3 shards", "copy the checkpoint again"},
         [](Workshop& w) { w.remove(std::string("model/") + last_shard); }},
        {"folder_for_a_shard",
         ExitCode::input_missing,
         {first_shard, "not a regular file"},
         [](Workshop& w) {
             w.remove(std::string("model/") + first_shard);
             std::filesystem::create_directory(w / "model" / first_shard);
         }},
        {"shards_without_index",
         ExitCode::input_missing,
         {"model.safetensors.index.json", first_shard, "copy the index"},
         [](Workshop& w) { w.remove(index_file); }},
        {"only_pickled_weights",
         ExitCode::input_missing,
         {"pytorch_model.bin", "convert them to safetensors"},
         [](Workshop& w) {
             for (char const* name : {first_shard, second_shard, last_shard, "model.safetensors.index.json"})
                 w.remove(std::string("model/") + name);
             w.write("model/pytorch_model.bin", "PK");
         }},
    };
}

std::vector<BadCase> headers() {
    return {
        {"header_longer_than_the_file",
         ExitCode::bad_data,
         {first_shard, "header of", "copy the file again"},
         [](Workshop& w) { w.write(std::string("model/") + first_shard, std::string(64, '\xFF')); }},
        {"header_not_json",
         ExitCode::bad_data,
         {second_shard, "not valid JSON", "copy the file again"},
         [](Workshop& w) { Shard(w, second_shard).save("{\"a\": oops}"); }},
        {"overlapping_tensors",
         ExitCode::bad_data,
         {second_shard, "tensor \"", "overlap", "copy the file again"},
         [](Workshop& w) {
             Shard shard(w, second_shard);
             shift_offsets(shard, -2);
             shard.save();
         }},
        {"hole_between_tensors",
         ExitCode::bad_data,
         {second_shard, "tensor \"", "leave a hole", "copy the file again"},
         [](Workshop& w) {
             Shard shard(w, second_shard);
             shift_offsets(shard, 2);
             shard.data += "xx";
             shard.save();
         }},
        {"tensor_given_twice",
         ExitCode::bad_data,
         {first_shard, "model.embed_tokens.weight", "is given twice"},
         [](Workshop& w) {
             Shard const shard(w, first_shard);
             std::string const text = shard.header.dump();
             auto const entry = shard.header.at("model.embed_tokens.weight").dump();
             shard.save(text.substr(0, text.size() - 1) + ",\"model.embed_tokens.weight\":" + entry + "}");
         }},
        {"wrong_shape",
         ExitCode::bad_data,
         {second_shard, expert_of_rank_0, "has shape [48, 40]", "asks for [40, 48]"},
         [](Workshop& w) {
             Shard shard(w, second_shard);
             shard.header[expert_of_rank_0]["shape"] = {48, 40};
             shard.save();
         }},
        {"shape_that_does_not_fill_its_bytes",
         ExitCode::bad_data,
         {second_shard, expert_of_rank_0, "hold 3840 bytes", "needs 3920"},
         [](Workshop& w) {
             Shard shard(w, second_shard);
             shard.header[expert_of_rank_0]["shape"] = {40, 49};
             shard.save();
         }},
        {"wrong_dtype",
         ExitCode::bad_data,
         {second_shard, expert_of_rank_0, "is stored as I16", "use the unquantized checkpoint"},
         [](Workshop& w) {
             Shard shard(w, second_shard);
             shard.header[expert_of_rank_0]["dtype"] = "I16";
             shard.save();
         }},
        {"unknown_dtype",
         ExitCode::bad_data,
         {second_shard, expert_of_rank_0, "unknown dtype \"BF17\""},
         [](Workshop& w) {
             Shard shard(w, second_shard);
             shard.header[expert_of_rank_0]["dtype"] = "BF17";
             shard.save();
         }},
    };
}

std::vector<BadCase> values() {
    auto const poison = [](std::string shard_name, std::string tensor, std::uint16_t bits) {
        return [=](Workshop& w) {
            Shard shard(w, shard_name);
            set_bf16(shard, tensor, 7, bits);
            shard.save();
        };
    };
    return {
        {"nan_in_an_expert",
         ExitCode::bad_data,
         {expert_of_rank_0, second_shard, "1 value that is NaN", "copy it again"},
         poison(second_shard, expert_of_rank_0, bf16_nan)},
        {"infinity_in_an_expert_that_one_rank_reads",
         ExitCode::bad_data,
         {expert_of_rank_1, last_shard, "NaN or infinite", "copy it again"},
         [=](Workshop& w) {
             poison(last_shard, expert_of_rank_1, bf16_infinity)(w);
             w.set("parallel.expert_parallel=" + std::to_string(w.num_ranks));
         }},
        {"infinity_in_a_router",
         ExitCode::bad_data,
         {"model.layers.1.block_sparse_moe.gate.weight", "NaN or infinite"},
         poison(second_shard, "model.layers.1.block_sparse_moe.gate.weight", bf16_infinity)},
        {"nan_in_the_embedding",
         ExitCode::bad_data,
         {"model.embed_tokens.weight", first_shard, "NaN or infinite"},
         poison(first_shard, "model.embed_tokens.weight", bf16_nan)},
        // Layers are streamed: found on the way.
        {"nan_in_a_streamed_layer",
         ExitCode::bad_data,
         {"model.layers.1.self_attn.o_proj.weight", "1 value that is NaN", "copy it again"},
         [=](Workshop& w) {
             poison(second_shard, "model.layers.1.self_attn.o_proj.weight", bf16_nan)(w);
             w.set("signals.stream=true");
         }},
        {"infinity_in_a_streamed_expert_that_one_rank_reads",
         ExitCode::bad_data,
         {expert_of_rank_1, last_shard, "NaN or infinite", "copy it again"},
         [=](Workshop& w) {
             poison(last_shard, expert_of_rank_1, bf16_infinity)(w);
             w.set("signals.stream=true");
             w.set("parallel.expert_parallel=" + std::to_string(w.num_ranks));
         }},
    };
}

std::vector<BadCase> indexes() {
    auto const point_at = [](std::string place) {
        return [=](Workshop& w) {
            w.replace(index_file, "\"model.norm.weight\": \"" + std::string(last_shard),
                      "\"model.norm.weight\": \"" + place);
        };
    };
    return {
        {"index_leaves_the_folder",
         ExitCode::bad_data,
         {"model.norm.weight", "../other.safetensors", "do not use this checkpoint"},
         point_at("../other.safetensors")},
        {"index_names_an_absolute_path",
         ExitCode::bad_data,
         {"model.norm.weight", "/etc/other.safetensors", "do not use this checkpoint"},
         point_at("/etc/other.safetensors")},
        {"index_names_a_shard_that_is_not_there",
         ExitCode::input_missing,
         {"other.safetensors", "is missing", "copy the checkpoint again"},
         point_at("other.safetensors")},
        {"index_places_a_tensor_wrongly",
         ExitCode::bad_data,
         {"model.norm.weight", first_shard, "copy the checkpoint again"},
         point_at(first_shard)},
        {"index_key_given_twice",
         ExitCode::bad_data,
         {"model.safetensors.index.json", "model.norm.weight", "is given twice", "remove one"},
         [](Workshop& w) { w.replace(index_file, "\"lm_head.weight\"", "\"model.norm.weight\""); }},
        {"index_not_json",
         ExitCode::bad_data,
         {"model.safetensors.index.json", "not valid JSON", "copy the file again"},
         [](Workshop& w) { w.replace(index_file, "}", "]"); }},
        {"tensor_missing_everywhere",
         ExitCode::bad_data,
         {"model.norm.weight", "is missing", "config.json asks for it"},
         [](Workshop& w) {
             Shard shard(w, last_shard);
             shard.header["renamed"] = shard.header.at("model.norm.weight");
             shard.header.erase("model.norm.weight");
             shard.save();
             w.replace(index_file, "model.norm.weight", "renamed");
         }},
        {"tensor_that_the_index_does_not_name",
         ExitCode::bad_data,
         {"model.norm.weight", "does not name", "copy the checkpoint again"},
         [](Workshop& w) { forget_in_index(w, "model.norm.weight"); }},
        {"tensor_of_another_model",
         ExitCode::bad_data,
         {"model.layers.0.adapter.weight", "is not part of the model"},
         [](Workshop& w) {
             Shard shard(w, last_shard);
             std::size_t const end = shard.data.size();
             shard.header["model.layers.0.adapter.weight"] = {
                 {"dtype", "BF16"}, {"shape", {2}}, {"data_offsets", {end, end + 4}}};
             shard.data += "abcd";
             shard.save();
             w.replace(index_file, "\"model.norm.weight\"",
                       "\"model.layers.0.adapter.weight\": \"" + std::string(last_shard) + "\", \"model.norm.weight\"");
         }},
    };
}

GATESWEEP_BAD_INPUT(Files, files());
GATESWEEP_BAD_INPUT(Headers, headers());
GATESWEEP_BAD_INPUT(Values, values());
GATESWEEP_BAD_INPUT(Index, indexes());

}  // namespace
}  // namespace gatesweep
