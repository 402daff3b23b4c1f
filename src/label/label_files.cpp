#include "gatesweep/label/label_files.h"

#include <algorithm>
#include <map>
#include <random>
#include <tuple>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"
#include "gatesweep/base/utf8.h"
#include "label_columns.h"

namespace gatesweep {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// A number below `bound`, each as likely: draws that would favour low ones are thrown away.
std::uint64_t draw_below(std::uint64_t bound, std::mt19937_64& random) {
    std::uint64_t const usable = std::mt19937_64::max() - std::mt19937_64::max() % bound;
    for (;;) {
        std::uint64_t const drawn = random();
        if (drawn < usable) return drawn % bound;
    }
}

// The places of the items that share a prompt and a completion, in order of first appearance.
std::vector<std::vector<std::size_t>> group_equal(std::span<LabelItem const> items) {
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> seen;
    std::vector<std::vector<std::size_t>> out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto const [entry, is_new] = seen.try_emplace({items[i].prompt, items[i].completion}, out.size());
        if (is_new) out.emplace_back();
        out[entry->second].push_back(i);
    }
    return out;
}

using TrialPrompt = std::tuple<std::string, std::string, std::int64_t>;

// item -> what it stands for.
using Key = std::map<std::string, std::vector<TrialPrompt>>;

std::string describe(TrialPrompt const& what) {
    auto const& [trial, group, prompt] = what;
    return fmt::format("trial {}, group {}, prompt {}", printable(trial), printable(group), prompt);
}

class PlaceOf {  // where each was first seen; a second time is refused
public:
    template <class... Args>
    void add(TrialPrompt const& what, std::string const& place) {
        auto const [first, is_new] = places_.try_emplace(what, place);
        GATESWEEP_VALIDATE(is_new, ExitCode::bad_data,
                           "{}: {} has a label already, from {} (which one counts is unclear): remove one", place,
                           describe(what), first->second);
    }

private:
    std::map<TrialPrompt, std::string> places_;
};

TrialPrompt read_trial_prompt(LabelColumns const& columns, std::size_t row) {
    return {columns.text(row, "trial_id"), columns.text(row, "group"), columns.whole(row, "prompt_index")};
}

// A text of our sheet, which may be protected; any other column of that name holds it as it is.
std::optional<std::string> read_text(LabelColumns const& columns, std::size_t row, std::string_view name) {
    auto const cell = columns.cell(row, name);
    return cell && columns.has("item") ? std::optional(restore_cell(*cell)) : cell;
}

Key read_key(std::filesystem::path const& file) {
    LabelColumns const columns(file, {"item", "trial_id", "group", "prompt_index"});
    Key key;
    std::map<TrialPrompt, std::size_t> rows;
    for (std::size_t row = 0; row < columns.num_rows(); ++row) {
        auto const what = read_trial_prompt(columns, row);
        GATESWEEP_VALIDATE(rows.try_emplace(what, row).second, ExitCode::bad_data,
                           "{}: {} is there twice (its label would be unclear): write the sheet again",
                           columns.place(row), describe(what));
        key[columns.text(row, "item")].push_back(what);
    }
    return key;
}

}  // namespace

std::string clean_text(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char32_t const c : decode_utf8(text))
        append_utf8(out, c == 0 ? 0xFFFD : c);
    return out;
}

std::string protect_cell(std::string_view text) {
    std::string out = clean_text(text);
    std::u32string const characters = decode_utf8(out);
    auto const first = std::find_if_not(characters.begin(), characters.end(), is_blank);
    bool const is_formula =
        first != characters.end() && std::u32string_view(U"=+-@＝＋－＠").find(*first) != std::u32string_view::npos;
    bool const is_special = out.starts_with('\'') || out.starts_with('\t') || out.starts_with('\r');
    return is_formula || is_special ? "'" + out : out;
}

std::string restore_cell(std::string_view text) {
    return std::string(text.starts_with('\'') ? text.substr(1) : text);
}

LabelSheet make_label_sheet(std::span<LabelItem const> items, std::uint64_t seed) {
    auto order = group_equal(items);
    std::mt19937_64 random(seed);
    for (std::size_t i = order.size(); i > 1; --i)  // Fisher and Yates
        std::swap(order[i - 1], order[draw_below(i, random)]);
    LabelSheet sheet;
    sheet.to_do = {"labels_to_do", {"item", "prompt", "completion", "label"}, {}};
    sheet.key = {"labels_key", {"item", "trial_id", "group", "prompt_index"}, {}};
    for (std::size_t i = 0; i < order.size(); ++i) {
        LabelItem const& shown = items[order[i].front()];
        sheet.to_do.add(i + 1, protect_cell(shown.prompt), protect_cell(shown.completion), "");
        for (std::size_t const place : order[i])
            sheet.key.add(i + 1, items[place].trial_id, items[place].group, items[place].prompt_index);
    }
    return sheet;
}

void write_label_sheet(std::filesystem::path const& folder, LabelSheet const& sheet) {
    create_folder(folder);
    write_file_atomically(folder / "labels_to_do.csv", std::string(byte_order_mark) + to_csv(sheet.to_do));
    write_file_atomically(folder / "labels_key.csv", to_csv(sheet.key));
}

HumanLabels read_human_labels(std::filesystem::path const& file, std::optional<std::filesystem::path> const& key_file) {
    LabelColumns const columns = key_file ? LabelColumns(file, {"item", "label"})
                                          : LabelColumns(file, {"trial_id", "group", "prompt_index", "label"});
    Key const key = key_file ? read_key(*key_file) : Key();
    HumanLabels out;
    PlaceOf place_of;
    for (std::size_t row = 0; row < columns.num_rows(); ++row) {
        std::vector<TrialPrompt> what;
        if (key_file) {
            auto const entry = key.find(columns.text(row, "item"));
            GATESWEEP_VALIDATE(entry != key.end(), ExitCode::bad_data,
                               "{}: item {} is not in {}: is it the key of this sheet?", columns.place(row),
                               printable(columns.text(row, "item")), key_file->string());
            what = entry->second;
        } else {
            what = {read_trial_prompt(columns, row)};
        }
        auto const label = columns.label(row, "label");
        if (!label) {
            ++out.num_unfilled;
            continue;
        }
        for (auto const& [trial, group, prompt] : what) {
            place_of.add({trial, group, prompt}, columns.place(row));
            out.labels.push_back({trial, group, prompt, label->label, read_text(columns, row, "prompt"),
                                  read_text(columns, row, "completion"), columns.place(row)});
        }
    }
    return out;
}

}  // namespace gatesweep
