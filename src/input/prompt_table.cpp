#include "prompt_table.h"

#include <algorithm>

#include "csv_reader.h"
#include "foreign_file.h"
#include "gatesweep/base/digest.h"
#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gzip.h"
#include "json_reader.h"

namespace gatesweep {
namespace {

std::string short_name(std::filesystem::path const& file) {
    std::error_code error;
    auto const below = std::filesystem::proximate(file, error);
    return error || below.empty() || *below.begin() == ".." ? file.string() : below.string();
}

bool remove_ending(std::string& name, std::string_view ending) {
    if (!name.ends_with(ending)) return false;
    name.resize(name.size() - ending.size());
    return true;
}

}  // namespace

PromptTable read_prompt_table(std::filesystem::path const& file) {
    PromptTable table;
    table.name = short_name(file);
    std::string name = file.filename().string();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    bool const packed = remove_ending(name, ".gz");
    auto* const reader = name.ends_with(".csv")                                  ? &read_csv
                         : name.ends_with(".tsv")                                ? &read_tsv
                         : name.ends_with(".jsonl") || name.ends_with(".ndjson") ? &read_json_lines
                         : name.ends_with(".json")                               ? &read_json_list
                                                                                 : nullptr;
    GATESWEEP_VALIDATE(
        reader, ExitCode::bad_data,
        "{}: unknown kind of prompt file: convert it to .csv, .tsv, .jsonl (or .ndjson) or .json, plain or .gz",
        printable(table.name, 400));
    std::string bytes = read_file(file);
    refuse_lfs_pointer(bytes, table.name);
    table.sha256 = sha256_hex(bytes);
    if (packed) bytes = inflate_gzip(bytes, table.name);
    std::string const foreign = foreign_kind(bytes);
    GATESWEEP_VALIDATE(foreign.empty(), ExitCode::bad_data, "{}: is {}", table.name, foreign);
    std::string_view text = bytes;
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    GATESWEEP_VALIDATE(!text.empty(), ExitCode::bad_data, "{}: is empty: give a file with prompts", table.name);
    reader(text, table);
    return table;
}

}  // namespace gatesweep
