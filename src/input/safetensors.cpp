#include "gatesweep/input/safetensors.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "foreign_file.h"
#include "gatesweep/base/error.h"
#include "gatesweep/input/strict_json.h"

namespace gatesweep {
namespace {

constexpr std::uint64_t length_bytes = 8;
constexpr std::uint64_t max_header_bytes = 100'000'000;
constexpr std::size_t max_entries = std::size_t{1} << 18;
constexpr std::size_t max_rank = 64;

struct KnownType {
    std::string_view name;
    int bits;
};
constexpr auto known_types = std::to_array<KnownType>(
    {{"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6},    {"U8", 8},   {"I8", 8},
     {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},     {"I16", 16},       {"U16", 16}, {"F16", 16},
     {"BF16", 16},   {"I32", 32},    {"U32", 32},        {"F32", 32},       {"C64", 64}, {"F64", 64},
     {"I64", 64},    {"U64", 64},    {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}});

// Takes the parser's events; the places below are the only nesting that the format has.
class HeaderReader : public nlohmann::json::json_sax_t {
public:
    explicit HeaderReader(std::string const& name) : file_(name) {}
    std::map<std::string, TensorEntry> take() { return std::move(tensors_); }

    bool start_object(std::size_t) override {
        if (place_ == Place::outside) {
            place_ = Place::root;
        } else if (place_ == Place::root && key_ == "__metadata__") {
            place_ = Place::metadata;
        } else if (place_ == Place::root) {
            place_ = Place::entry;
            given_ = {};
            entry_ = {};
            num_offsets_ = 0;
        } else {
            wrong("an object where none belongs");
        }
        return true;
    }
    bool key(std::string& value) override {
        if (place_ == Place::entry) {
            enter_field(value);
            return true;
        }
        bool const in_root = place_ == Place::root;
        bool const is_new = !in_root                  ? metadata_.insert(value).second
                            : value == "__metadata__" ? !std::exchange(metadata_given_, true)
                                                      : !tensors_.contains(value);
        GATESWEEP_VALIDATE(is_new, ExitCode::bad_data,
                           "{}: the {} \"{}\" is given twice (which one counts is anyone's guess): {}", file_,
                           in_root ? "name" : "__metadata__ key", printable(value), advice);
        GATESWEEP_VALIDATE(tensors_.size() + metadata_.size() <= max_entries, ExitCode::bad_data,
                           "{}: more than {} entries in the header (no checkpoint has so many in a file): {}", file_,
                           max_entries, advice);
        if (in_root) key_ = std::move(value);
        return true;
    }
    bool end_object() override {
        if (place_ == Place::entry) finish_entry();
        place_ = place_ == Place::root ? Place::outside : Place::root;
        return true;
    }
    bool start_array(std::size_t) override {
        if (place_ == Place::entry && field_ == Field::shape) {
            place_ = Place::shape;
        } else if (place_ == Place::entry && field_ == Field::data_offsets) {
            place_ = Place::offsets;
        } else {
            wrong("an array where none belongs");
        }
        return true;
    }
    bool end_array() override {
        place_ = Place::entry;
        return true;
    }
    bool string(std::string& value) override {
        if (place_ == Place::metadata) return true;
        if (place_ != Place::entry || field_ != Field::dtype) wrong("a string where none belongs");
        auto const known = std::ranges::find(known_types, std::string_view(value), &KnownType::name);
        if (known == known_types.end()) wrong("unknown dtype \"" + printable(value) + "\"");
        entry_.type = {std::string(known->name), known->bits};
        return true;
    }
    bool number_unsigned(std::uint64_t value) override {
        if (place_ == Place::shape) {
            if (entry_.shape.size() == max_rank) wrong(fmt::format("more than {} dimensions", max_rank));
            if (value > std::uint64_t{std::numeric_limits<std::int64_t>::max()}) wrong("a dimension over 2^63 - 1");
            entry_.shape.push_back(static_cast<std::int64_t>(value));
        } else if (place_ == Place::offsets) {
            if (num_offsets_ == 2) wrong("more than two data_offsets");
            (num_offsets_++ == 0 ? entry_.begin : entry_.end) = value;
        } else {
            wrong("a number where none belongs");
        }
        return true;
    }
    bool number_integer(std::int64_t value) override { wrong(fmt::format("a negative number, {}", value)); }
    bool number_float(double, std::string const& text) override {
        wrong("the number " + printable(text) + ", where only unsigned 64-bit integers are allowed");
    }
    bool null() override { wrong("null where none belongs"); }
    bool boolean(bool) override { wrong("a boolean where none belongs"); }
    bool binary(nlohmann::json::binary_t&) override { wrong("binary data"); }
    bool parse_error(std::size_t position, std::string const&, nlohmann::detail::exception const&) override {
        fail(ExitCode::bad_data, "{}: the header is not valid JSON at its byte {} (it cannot be trusted): {}", file_,
             position, advice);
    }

private:
    enum class Place { outside, root, metadata, entry, shape, offsets };
    enum class Field { dtype, shape, data_offsets };
    static constexpr std::string_view advice = "copy the file again";

    [[noreturn]] void wrong(std::string const& what) const {
        std::string where = "the header";
        if (place_ != Place::outside) where = key_ == "__metadata__" ? key_ : "tensor \"" + printable(key_) + "\"";
        fail(ExitCode::bad_data, "{}: {}: {} (the header cannot be trusted): {}", file_, where, what, advice);
    }
    void enter_field(std::string const& name) {
        constexpr std::array<std::string_view, 3> names = {"dtype", "shape", "data_offsets"};
        auto const found = std::ranges::find(names, std::string_view(name));
        if (found == names.end()) wrong("unknown field \"" + printable(name) + "\"");
        auto const index = static_cast<std::size_t>(found - names.begin());
        if (std::exchange(given_[index], true)) wrong("the field \"" + name + "\" is given twice");
        field_ = static_cast<Field>(index);
    }
    void finish_entry() {
        if (!std::ranges::all_of(given_, std::identity{})) wrong("dtype, shape or data_offsets is missing");
        if (num_offsets_ != 2) wrong("data_offsets needs a begin and an end");
        if (entry_.end < entry_.begin) {
            wrong(fmt::format("data_offsets [{}, {}] run backwards", entry_.begin, entry_.end));
        }
        std::uint64_t const expected = checked_bytes();
        if (entry_.num_bytes() != expected) {
            wrong(fmt::format("data_offsets [{}, {}] hold {} bytes, but {} [{}] needs {}", entry_.begin, entry_.end,
                              entry_.num_bytes(), entry_.type.name, fmt::join(entry_.shape, ", "), expected));
        }
        tensors_.emplace(key_, std::move(entry_));
    }
    std::uint64_t checked_bytes() const {
        std::uint64_t bits = 1;
        bool overflow = false;
        for (auto const dim : entry_.shape) {
            overflow |= __builtin_mul_overflow(bits, static_cast<std::uint64_t>(dim), &bits);
        }
        overflow |= __builtin_mul_overflow(bits, static_cast<std::uint64_t>(entry_.type.bits), &bits);
        if (overflow) wrong(fmt::format("the shape [{}] overflows 64 bits", fmt::join(entry_.shape, ", ")));
        if (bits % 8 != 0) {
            wrong(fmt::format("{} [{}] ends within a byte", entry_.type.name, fmt::join(entry_.shape, ", ")));
        }
        return bits / 8;
    }

    std::string const& file_;
    Place place_ = Place::outside;
    Field field_ = Field::dtype;
    std::string key_;
    std::array<bool, 3> given_{};
    TensorEntry entry_;
    int num_offsets_ = 0;
    bool metadata_given_ = false;
    std::set<std::string> metadata_;
    std::map<std::string, TensorEntry> tensors_;
};

// "4.2 of 4.9 GB", in bytes where the rounded numbers would be equal.
std::string part_of(std::uint64_t have, std::uint64_t want) {
    for (auto const& [unit, size] : {std::pair{"GB", 1e9}, {"MB", 1e6}}) {
        std::string const few = fmt::format("{:.1f}", static_cast<double>(have) / size);
        std::string const all = fmt::format("{:.1f}", static_cast<double>(want) / size);
        if (static_cast<double>(want) >= size && few != all) return fmt::format("{} of {} {}", few, all, unit);
    }
    return fmt::format("{} of {} bytes", have, want);
}

[[noreturn]] void truncated(std::string const& name, std::uint64_t have, std::uint64_t want) {
    fail(ExitCode::bad_data, "{} is truncated ({}): the checkpoint cannot be trusted; copy it again", name,
         part_of(have, want));
}

// Sorted by offsets, every tensor starts where the one before ended, and the last one ends with the file.
void check_tiling(std::map<std::string, TensorEntry> const& tensors, std::uint64_t data_begin, std::uint64_t file_size,
                  std::string const& name) {
    using Item = std::map<std::string, TensorEntry>::value_type;
    std::vector<Item const*> order;
    order.reserve(tensors.size());
    for (auto const& item : tensors)
        order.push_back(&item);
    std::ranges::sort(order, {}, [](Item const* i) { return std::pair(i->second.begin, i->second.end); });
    std::uint64_t position = 0;
    for (Item const* item : order) {
        auto const& [tensor, entry] = *item;
        GATESWEEP_VALIDATE(entry.begin == position, ExitCode::bad_data,
                           "{}: tensor \"{}\" lies at bytes [{}, {}), but the one before ends at {} (tensors that {} "
                           "cannot be trusted): copy the file again",
                           name, printable(tensor), entry.begin, entry.end, position,
                           entry.begin < position ? "overlap" : "leave a hole");
        position = entry.end;
    }
    GATESWEEP_VALIDATE(position <= std::numeric_limits<std::uint64_t>::max() - data_begin, ExitCode::bad_data,
                       "{}: data up to byte {} is claimed (no file is so large): copy the file again", name, position);
    std::uint64_t const expected = data_begin + position;
    if (expected > file_size) truncated(name, file_size, expected);
    GATESWEEP_VALIDATE(expected == file_size, ExitCode::bad_data,
                       "{}: {} bytes follow the last tensor, which ends at byte {} (the header does not describe this "
                       "file): copy the file again",
                       name, file_size - expected, expected);
}

void check_length(std::uint64_t header_bytes, std::uint64_t file_size, std::string const& name) {
    GATESWEEP_VALIDATE(header_bytes <= max_header_bytes, ExitCode::bad_data,
                       "{}: a header of {} bytes, over the limit of {} (damaged, or not a safetensors file): copy the "
                       "file again",
                       name, header_bytes, max_header_bytes);
    if (file_size < length_bytes + header_bytes) truncated(name, file_size, length_bytes + header_bytes);
}

}  // namespace

std::map<std::string, TensorEntry> parse_safetensors_header(std::span<std::byte const> header, std::uint64_t file_size,
                                                            std::string const& name) {
    check_length(header.size(), file_size, name);
    std::string_view const text(reinterpret_cast<char const*>(header.data()), header.size());
    check_json_bytes(text, name);
    HeaderReader reader(name);
    nlohmann::json::sax_parse(text.begin(), text.end(), &reader);
    auto tensors = reader.take();
    check_tiling(tensors, length_bytes + header.size(), file_size, name);
    return tensors;
}

SafetensorsFile::SafetensorsFile(std::filesystem::path path) : file_(std::move(path)) {
    std::string const name = file_.path().string();
    GATESWEEP_VALIDATE(
        file_.size() >= length_bytes, ExitCode::bad_data,
        "{}: {} bytes, too short for a safetensors file: the checkpoint cannot be trusted; copy it again", name,
        file_.size());
    std::string start(std::min<std::uint64_t>(file_.size(), 64), '\0');
    file_.read_at(0, std::as_writable_bytes(std::span(start)));
    refuse_lfs_pointer(start, name, "a safetensors file");
    std::array<std::byte, length_bytes> length{};
    file_.read_at(0, length);
    std::uint64_t header_bytes = 0;
    for (std::size_t i = 0; i < length.size(); ++i) {
        header_bytes |= static_cast<std::uint64_t>(length[i]) << (8 * i);
    }
    check_length(header_bytes, file_.size(), name);
    std::vector<std::byte> header(header_bytes);
    file_.read_at(length_bytes, header);
    data_begin_ = length_bytes + header_bytes;
    tensors_ = parse_safetensors_header(header, file_.size(), name);
}

void SafetensorsFile::read(std::string const& tensor, std::uint64_t first, std::span<std::byte> out) const {
    auto const found = tensors_.find(tensor);
    GATESWEEP_VALIDATE(found != tensors_.end(), ExitCode::bad_data, "{}: no tensor \"{}\": check the checkpoint",
                       file_.path().string(), printable(tensor));
    std::uint64_t const size = found->second.num_bytes();
    GATESWEEP_VALIDATE(first <= size && out.size() <= size - first, ExitCode::internal,
                       "{}: bytes [{}, {} + {}) of tensor \"{}\" of {} bytes were asked for: this is a mistake in "
                       "gatesweep; please report it",
                       file_.path().string(), first, first, out.size(), printable(tensor), size);
    file_.read_at(data_begin_ + found->second.begin + first, out);
}

}  // namespace gatesweep
