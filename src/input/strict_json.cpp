#include "gatesweep/input/strict_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "foreign_file.h"
#include "gatesweep/base/error.h"

namespace gatesweep {
namespace {

using nlohmann::json;

class Builder : public json::json_sax_t {
public:
    Builder(std::string_view text, std::string const& name, int max_depth, std::size_t max_values)
        : text_(text), name_(name), max_depth_(static_cast<std::size_t>(max_depth)), max_values_(max_values) {}
    json take() { return std::move(root_); }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(std::int64_t value) override { return add(value); }
    bool number_unsigned(std::uint64_t value) override { return add(value); }
    bool number_float(double value, std::string const& spelling) override {
        // The parser turns an integer that does not fit into a float: it would change its value silently.
        GATESWEEP_VALIDATE(spelling.find_first_of(".eE") != std::string::npos, ExitCode::bad_data,
                           "{}: the integer {} has more than 64 bits (it cannot be read exactly): correct the file",
                           name_, printable(spelling));
        return add(value);
    }
    bool string(std::string& value) override { return add(std::move(value)); }
    bool binary(json::binary_t&) override { return false; }
    bool start_object(std::size_t) override { return open(json::object()); }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool key(std::string& value) override {
        GATESWEEP_VALIDATE(!open_.back()->contains(value), ExitCode::bad_data,
                           "{}: the key \"{}\" is given twice (which one counts is anyone's guess): remove one", name_,
                           printable(value));
        key_ = std::move(value);
        return true;
    }
    bool parse_error(std::size_t position, std::string const&, nlohmann::detail::exception const&) override {
        auto const end = text_.begin() + static_cast<std::ptrdiff_t>(std::min(position, text_.size()));
        fail(ExitCode::bad_data, "{}: not valid JSON at byte {}, line {}: copy the file again or correct it", name_,
             position, 1 + std::count(text_.begin(), end, '\n'));
    }

private:
    json& place(json value) {
        GATESWEEP_VALIDATE(++num_values_ <= max_values_, ExitCode::bad_data,
                           "{}: more than {} values (no such file has so many): is it the right file?", name_,
                           max_values_);
        if (open_.empty()) return root_ = std::move(value);
        json& parent = *open_.back();
        if (parent.is_object()) return parent[key_] = std::move(value);
        parent.push_back(std::move(value));
        return parent.back();
    }
    bool add(json value) {
        place(std::move(value));
        return true;
    }
    bool open(json value) {
        GATESWEEP_VALIDATE(open_.size() < max_depth_, ExitCode::bad_data,
                           "{}: nested more than {} deep (no such file is): is it the right file?", name_, max_depth_);
        // While a value is open nothing is added beside it, so the pointer stays good until close().
        open_.push_back(&place(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view text_;
    std::string const& name_;
    std::size_t max_depth_;
    std::size_t max_values_;
    std::size_t num_values_ = 0;
    json root_;
    std::vector<json*> open_;
    std::string key_;
};

}  // namespace

void check_json_bytes(std::string_view text, std::string const& name) {
    // The parser takes a NUL for the end of its input, and skips a byte order mark.
    GATESWEEP_VALIDATE(text.find('\0') == std::string_view::npos, ExitCode::bad_data,
                       "{}: a NUL byte at byte {} (JSON cannot hold one): copy the file again", name, text.find('\0'));
    GATESWEEP_VALIDATE(!text.starts_with("\xEF\xBB\xBF"), ExitCode::bad_data,
                       "{}: starts with a byte order mark (JSON has none): save it as plain UTF-8", name);
}

nlohmann::json parse_strict_json(std::string_view text, std::string const& name, int max_depth,
                                 std::size_t max_values) {
    check_json_bytes(text, name);
    refuse_lfs_pointer(text, name, "valid JSON");
    Builder builder(text, name, max_depth, max_values);
    json::sax_parse(text.begin(), text.end(), &builder);
    return builder.take();
}

}  // namespace gatesweep
