// The keys of a job file: the one list of what each section knows, and of what kind each value is. Readers refuse every
// other key by it, and `gatesweep schema` prints it. What a key does is said in jobs/README.md, which is embedded.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gatesweep {

enum class KeyType {
    text,
    whole,
    number,
    flag,
    word,  // one of `words`
    texts,
    text_or_texts,
    wholes,
    numbers,
    words,      // a list of `words`
    columns,    // { column = "value" }
    variables,  // { name = any value }
    experts,    // [[layer, expert], ...]
    whole_or_auto,
    flag_or_auto,
    bytes_or_auto,  // "4 GB", 1000000
    sizes_or_auto,  // [1, 5, "12.5 %"]
    section,        // a table whose keys are those of "SECTION.KEY"
    sections,       // a list of such tables
};

inline constexpr std::int64_t no_maximum = std::numeric_limits<std::int64_t>::max();

struct JobKey {
    std::string section;  // "", "model", "sweep.labels"
    std::string key;
    KeyType type = KeyType::text;
    std::vector<std::string> words = {};
    std::int64_t min = 0, max = no_maximum;  // whole numbers
    bool is_required = false;
};

// In the order of the documentation.
std::vector<JobKey> const& job_keys();
// The keys of one section.
std::vector<std::string_view> keys_of(std::string_view section);

// The job in jobs/README.md, with every key, its default and a comment.
std::string_view documented_job();

// What the documentation says of a key: its comment, and the value it shows. No value where the key has no default.
struct KeyDocumentation {
    std::string comment;
    std::optional<std::string> value;  // TOML
};
// Nothing for a key that stands in an inline table.
std::optional<KeyDocumentation> documentation_of(std::string_view section, std::string_view key);

}  // namespace gatesweep
