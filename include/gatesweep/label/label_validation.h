// How far a labeller can be trusted: its labels against those of people, on a file of the user's.
//
// Layouts of the file (CSV, JSONL or JSON; column names in any case):
//   completion  "completion", else "response"
//   prompt      "prompt", may be missing
//   label       "final_label"; else "annotation_1" and "annotation_2", rows where they differ being left out; else
//               "response_refusal_label"; else "label"
// A filled-in sheet of sweep/label_files.h (it has a column "item") is read with its texts restored. Names of labels
// are those of that header. Rows without a label are left out. A refusal is full or partial.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gatesweep/analysis/agreement.h"
#include "gatesweep/label/label_files.h"
#include "gatesweep/store/csv.h"

namespace gatesweep {

struct LabelledCompletion {
    std::string prompt;
    std::string completion;
    NamedLabel label;      // never `unscored`
    std::int64_t row = 0;  // of the file, from 1
};
struct LabelledFile {
    std::string name;
    std::string sha256;
    std::vector<LabelledCompletion> rows;
    std::int64_t num_skipped = 0;  // without a label, or where the annotators differ
};
// Errors: input_missing; bad_data with file and row for an unknown label, a missing column, a labelled row without a
// completion, a file in which no row has a label.
LabelledFile read_labelled_file(std::filesystem::path const& file);

using Labeller = std::function<Label(std::string_view prompt, std::string_view completion)>;

struct LabelQuality {
    std::string method;             // "phrases", or the judge's name
    std::string version;            // of its rules or template
    std::string source;             // the labelled file's name
    std::int64_t num = 0;           // rows that were compared
    std::int64_t num_unscored = 0;  // rows that the labeller gave no label, in none of the counts
    LabelCounts counts;             // of refusals
    Agreement agreement;            // with 95 % intervals
    double exact_agreement =
        std::numeric_limits<double>::quiet_NaN();  // of all labels; NaN when the file tells two apart
};
LabelQuality validate_labeller(std::string method, std::string version, LabelledFile const& file,
                               Labeller const& labeller);

// How far the labeller agrees with people: on the job's validation file, and on replies of the sweep that they
// labelled.
struct LabellerErrors {
    std::optional<LabelQuality> by_validation, beside_people;
};

// tables/label_quality.csv, a row for each.
CsvTable label_quality_table(std::span<LabelQuality const> qualities);

}  // namespace gatesweep
