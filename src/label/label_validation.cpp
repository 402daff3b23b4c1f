#include "gatesweep/label/label_validation.h"

#include "gatesweep/base/error.h"
#include "gatesweep/store/table_catalogue.h"
#include "label_columns.h"

namespace gatesweep {
namespace {

// The first of the columns that the file has.
std::string find_column(LabelColumns const& columns, std::initializer_list<std::string_view> names) {
    for (auto const name : names) {
        if (columns.has(name)) return std::string(name);
    }
    return {};
}

// What people said of a row; nothing when they said nothing or differ.
class HumanVerdict {
public:
    explicit HumanVerdict(LabelColumns const& columns) : columns_(columns) {
        bool const has_final = columns.has("final_label");
        annotated_ = !has_final && columns.has("annotation_1") && columns.has("annotation_2");
        if (!annotated_) column_ = find_column(columns, {"final_label", "response_refusal_label", "label"});
        if (!annotated_ && column_.empty()) columns.refuse_columns("final_label or label");
    }

    std::optional<NamedLabel> of(std::size_t row) const {
        std::optional<NamedLabel> label;
        if (annotated_) {
            auto const first = columns_.label(row, "annotation_1"), second = columns_.label(row, "annotation_2");
            if (first && second && first->label == second->label) label = first;
        } else {
            label = columns_.label(row, column_);
        }
        return label && label->label != Label::unscored ? label : std::nullopt;
    }

private:
    LabelColumns const& columns_;
    bool annotated_ = false;
    std::string column_;
};

}  // namespace

LabelledFile read_labelled_file(std::filesystem::path const& file) {
    LabelColumns const columns(file, {});
    std::string const completion = find_column(columns, {"completion", "response"});
    if (completion.empty()) columns.refuse_columns("completion or response");
    HumanVerdict const verdict(columns);
    auto const plain = [is_sheet = columns.has("item")](std::string text) {
        return is_sheet ? restore_cell(text) : text;
    };
    LabelledFile out{columns.file(), columns.sha256(), {}, 0};
    for (std::size_t row = 0; row < columns.num_rows(); ++row) {
        auto const label = verdict.of(row);
        if (!label) {
            ++out.num_skipped;
            continue;
        }
        auto text = columns.cell(row, completion);  // an empty completion is one
        GATESWEEP_VALIDATE(text, ExitCode::bad_data,
                           "{}: {} is missing, and the row has a label: fill it in or remove the row",
                           columns.place(row), completion);
        out.rows.push_back({plain(columns.cell(row, "prompt").value_or("")), plain(*std::move(text)), *label,
                            static_cast<std::int64_t>(row) + 1});
    }
    GATESWEEP_VALIDATE(!out.rows.empty(), ExitCode::bad_data,
                       "{}: no row has a label (there is nothing to compare with): is it the right file?", out.name);
    return out;
}

LabelQuality validate_labeller(std::string method, std::string version, LabelledFile const& file,
                               Labeller const& labeller) {
    LabelQuality out;
    out.method = std::move(method);
    out.version = std::move(version);
    out.source = file.name;
    bool tells_two_apart = false;
    std::int64_t num_equal = 0;
    for (auto const& row : file.rows) {
        Label const given = labeller(row.prompt, row.completion);
        auto const called = is_restricted(given), is = is_restricted(row.label.label);
        if (!called || !is) {
            ++out.num_unscored;
            continue;
        }
        ++out.num;
        ++(*called ? (*is ? out.counts.true_positive : out.counts.false_positive)
                   : (*is ? out.counts.false_negative : out.counts.true_negative));
        num_equal += given == row.label.label;
        tells_two_apart = tells_two_apart || row.label.is_binary;
    }
    out.agreement = agreement(out.counts);
    if (!tells_two_apart && out.num > 0)
        out.exact_agreement = static_cast<double>(num_equal) / static_cast<double>(out.num);
    return out;
}

CsvTable label_quality_table(std::span<LabelQuality const> qualities) {
    CsvTable table = new_table("label_quality");
    for (auto const& q : qualities) {
        Rate const& precision = q.agreement.precision;
        Rate const& recall = q.agreement.recall;
        Kappa const& kappa = q.agreement.kappa;
        table.add(q.method, q.version, q.source, q.num, q.counts.true_positive, q.counts.false_positive,
                  q.counts.false_negative, q.counts.true_negative, precision.estimate, precision.interval.low,
                  precision.interval.high, recall.estimate, recall.interval.low, recall.interval.high, kappa.estimate,
                  kappa.interval.low, kappa.interval.high, q.exact_agreement, q.num_unscored);
    }
    return table;
}

}  // namespace gatesweep
