#include "foreign_file.h"

#include <algorithm>
#include <array>

#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view pointer_begin = "version https://git-lfs.github.com/spec/";

struct Beginning {
    std::string_view bytes;
    std::string_view what;  // and what to do
};
constexpr std::array beginnings = {
    Beginning{"PAR1"sv,
              "a Parquet file: save it as JSON lines, as pandas.read_parquet(...).to_json(\"prompts.jsonl\", "
              "orient=\"records\", lines=True) does"},
    Beginning{"\x1F\x8B"sv, "gzip data: add .gz to its name"},
    Beginning{"PK\x03\x04"sv, "a zip archive, or a spreadsheet: unpack it, or save the sheet as CSV"},
    Beginning{"\xD0\xCF\x11\xE0"sv, "a spreadsheet of an old kind: save the sheet as CSV"},
    Beginning{"\x28\xB5\x2F\xFD"sv, "zstd data: unpack it with unzstd"},
    Beginning{"BZh"sv, "bzip2 data: unpack it with bunzip2"},
    Beginning{"\xFD"
              "7zXZ"sv,
              "xz data: unpack it with unxz"},
    Beginning{"ARROW1"sv, "an Arrow file: save it as JSON lines"},
    Beginning{"SQLite format 3"sv, "an SQLite database: export the table as CSV"},
    Beginning{"%PDF"sv, "a PDF: give its text as CSV"},
    Beginning{"\xFF\xFE"sv, "text in UTF-16: save it as UTF-8"},
    Beginning{"\xFE\xFF"sv, "text in UTF-16: save it as UTF-8"},
    Beginning{"<!DOCTYPE html"sv, "a web page, as a download without a login gives: download the file itself"},
    Beginning{"<!doctype html"sv, "a web page, as a download without a login gives: download the file itself"},
    Beginning{"<html"sv, "a web page, as a download without a login gives: download the file itself"},
};

}  // namespace

std::string foreign_kind(std::string_view bytes) {
    auto const found = std::ranges::find_if(beginnings, [&](Beginning const& b) { return bytes.starts_with(b.bytes); });
    return found == beginnings.end() ? "" : std::string(found->what);
}

void refuse_lfs_pointer(std::string_view bytes, std::string_view name, std::string_view what) {
    GATESWEEP_VALIDATE(!bytes.starts_with(pointer_begin), ExitCode::bad_data,
                       "{}: is a Git LFS pointer, not {} (the repository was cloned without Git LFS): run git lfs pull "
                       "in its folder, or copy {} again",
                       name, what, what == any_file ? "the file" : "the checkpoint's file");
}

}  // namespace gatesweep
