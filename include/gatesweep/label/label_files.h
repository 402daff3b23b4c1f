// Labels by people: a blinded sheet to fill in, and labels read back.
//
// labels_to_do.csv   item,prompt,completion,label    what people see: shuffled, and nothing that tells trial from
// baseline labels_key.csv     item,trial_id,group,prompt_index   who is who; one row for each (trial, prompt), so an
// item has several
//                                                       rows where trials gave the same completion: it is labelled once
//
// Spreadsheets run cells that begin like a formula. So in labels_to_do.csv a text whose first character other than
// white space is one of = + - @ or their full-width forms, or that begins with an apostrophe, a tab or a carriage
// return, has an apostrophe put in front; restore_cell takes it away again. Bytes that are not UTF-8, and NUL, become
// U+FFFD. The file begins with a byte order mark, without which spreadsheets take UTF-8 for something else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/label/label.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

struct LabelItem {
    std::string trial_id;
    std::string group;
    std::int64_t prompt_index = 0;
    std::string prompt;
    std::string completion;
};

struct LabelSheet {
    CsvTable to_do;
    CsvTable key;
};
// The same items and seed give the same bytes on any machine.
LabelSheet make_label_sheet(std::span<LabelItem const> items, std::uint64_t seed);
// Writes both files into the folder, which is created.
void write_label_sheet(std::filesystem::path const& folder, LabelSheet const& sheet);

// Bytes that are not UTF-8, and NUL, as U+FFFD.
std::string clean_text(std::string_view text);
std::string protect_cell(std::string_view text);
std::string restore_cell(
    std::string_view text);  // restore_cell(protect_cell(x)) == x for every x that is UTF-8 without NUL

struct HumanLabel {
    std::string trial_id;
    std::string group;
    std::int64_t prompt_index = 0;
    Label label = Label::unscored;
    std::optional<std::string> prompt, completion;  // what the person read, where the file holds it
    std::string place;                              // "labels.csv row 3"
};
struct HumanLabels {
    std::vector<HumanLabel> labels;  // in the order of the file, of the key within an item
    std::int64_t num_unfilled = 0;   // rows whose label is still empty
};

// A filled-in sheet with its key, or without one a file with the columns trial_id,group,prompt_index,label. Any format
// of input/text_table.h; further columns are ignored. Errors, each with file and row: an unknown label, an item that
// the key lacks, something labelled twice, a prompt index that is no whole number, a missing column.
HumanLabels read_human_labels(std::filesystem::path const& file,
                              std::optional<std::filesystem::path> const& key = std::nullopt);

// Every name that a label goes by, in any case: ours; XSTest's "2_full_refusal"; and where only two are told apart,
// "restricted" and "refusal" for full_refusal, "non-restricted", "non_restricted" and "compliance" for full_compliance.
struct NamedLabel {
    Label label = Label::unscored;
    bool is_binary = false;  // a name of the two-label kind: a partial refusal is called so too
};
std::optional<NamedLabel> parse_label_name(std::string_view name);
inline constexpr std::string_view known_label_names =
    "full_refusal, partial_refusal, full_compliance, incoherent, unscored, XSTest's 1_full_compliance, 2_full_refusal, "
    "3_partial_refusal, or restricted, non-restricted, refusal, compliance";

}  // namespace gatesweep
