#include "gatesweep/store/npy.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <concepts>
#include <limits>
#include <span>

#include "gatesweep/base/error.h"
#include "gatesweep/base/file.h"

namespace gatesweep {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t prefix_bytes = 10;
constexpr std::size_t max_rank = 32;

template <class T>
constexpr std::string_view descr_of() {
    static_assert(std::same_as<T, std::int64_t> || std::same_as<T, double>);
    return std::same_as<T, double> ? "<f8" : "<i8";
}

// The header's Python dictionary, as far as NumPy writes it: three keys, a string, a Boolean and a tuple.
class DictParser {
public:
    DictParser(std::string_view text, std::string_view name) : rest_(text), name_(name) {}

    void parse(NpyHeader& header) {
        expect('{');
        bool has_descr = false, has_order = false, has_shape = false;
        while (!accept('}')) {
            std::string const key = string();
            expect(':');
            if (key == "descr" && !has_descr) {
                has_descr = true;
                header.descr = string();
            } else if (key == "fortran_order" && !has_order) {
                has_order = true;
                GATESWEEP_VALIDATE(
                    word() == "False", ExitCode::bad_data,
                    "{}: columns lie first in memory (only row-major arrays are read): save it with order 'C'", name_);
            } else if (key == "shape" && !has_shape) {
                has_shape = true;
                header.shape = shape();
            } else {
                wrong("an unknown or repeated key");
            }
            if (accept('}')) break;
            expect(',');
        }
        skip_blanks();
        if (!rest_.empty()) wrong("text after the dictionary");
        if (!has_descr || !has_order || !has_shape) wrong("a missing key");
    }

private:
    [[noreturn]] void wrong(std::string_view what) const {
        fail(ExitCode::bad_data,
             "{}: header of the .npy file has {} (it is not an array of ours): copy the file again or run again", name_,
             what);
    }
    void skip_blanks() {
        while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\n'))
            rest_.remove_prefix(1);
    }
    bool accept(char c) {
        skip_blanks();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }
    void expect(char c) {
        if (!accept(c)) wrong(fmt::format("no '{}' where one belongs", c));
    }
    std::string string() {
        expect('\'');
        std::size_t const end = rest_.find('\'');
        if (end == std::string_view::npos) wrong("an open string");
        std::string const text(rest_.substr(0, end));
        rest_.remove_prefix(end + 1);
        return text;
    }
    std::string_view word() {
        skip_blanks();
        std::size_t const end = std::min(rest_.find_first_of(",} \n"), rest_.size());
        std::string_view const text = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return text;
    }
    std::vector<std::int64_t> shape() {
        std::vector<std::int64_t> dims;
        expect('(');
        while (!accept(')')) {
            skip_blanks();
            std::int64_t dim = 0;
            auto const [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), dim);
            if (error != std::errc{} || dim < 0 || dims.size() == max_rank) wrong("a wrong shape");
            rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
            dims.push_back(dim);
            if (accept(',')) continue;
            if (dims.size() == 1) wrong("a wrong shape");  // "(3)" is a number in Python, not a tuple
            expect(')');
            break;
        }
        return dims;
    }

    std::string_view rest_;
    std::string_view name_;
};

std::uint64_t bytes_of_shape(std::vector<std::int64_t> const& shape, std::string_view name) {
    std::uint64_t count = 1;
    for (std::int64_t const dim : shape) {
        if (dim == 0) return 0;
    }
    for (std::int64_t const dim : shape) {
        GATESWEEP_VALIDATE(
            count <= std::numeric_limits<std::int64_t>::max() / 8 / static_cast<std::uint64_t>(dim), ExitCode::bad_data,
            "{}: shape ({}) is larger than any file (the header is damaged): copy the file again or run again", name,
            fmt::join(shape, ", "));
        count *= static_cast<std::uint64_t>(dim);
    }
    return count * 8;
}

}  // namespace

NpyHeader parse_npy_header(std::string_view start, std::uint64_t file_bytes, std::string_view name) {
    GATESWEEP_VALIDATE(
        start.size() >= prefix_bytes && start.starts_with(magic), ExitCode::bad_data,
        "{}: not a .npy file (it does not start with the format's mark): copy the file again or run again", name);
    GATESWEEP_VALIDATE(start[6] == 1 && start[7] == 0, ExitCode::bad_data,
                       "{}: .npy format {}.{} (only 1.0 is read): save it as 1.0", name,
                       static_cast<unsigned char>(start[6]), static_cast<unsigned char>(start[7]));
    std::uint64_t const length = static_cast<unsigned char>(start[8]) + 256u * static_cast<unsigned char>(start[9]);
    NpyHeader header;
    header.data_offset = prefix_bytes + length;
    GATESWEEP_VALIDATE(header.data_offset <= start.size() && header.data_offset <= file_bytes, ExitCode::bad_data,
                       "{}: ends inside its header (it was truncated): copy the file again or run again", name);
    DictParser(start.substr(prefix_bytes, length), name).parse(header);
    GATESWEEP_VALIDATE(header.descr == "<i8" || header.descr == "<f8", ExitCode::bad_data,
                       "{}: elements of type '{}' (only '<i8' and '<f8' are read): save it as int64 or float64", name,
                       printable(header.descr));
    header.data_bytes = bytes_of_shape(header.shape, name);
    GATESWEEP_VALIDATE(file_bytes - header.data_offset == header.data_bytes, ExitCode::bad_data,
                       "{}: shape ({}) needs {} bytes of data and the file has {} (it was truncated or edited): copy "
                       "the file again or "
                       "run again",
                       name, fmt::join(header.shape, ", "), header.data_bytes, file_bytes - header.data_offset);
    return header;
}

template <class T>
std::string to_npy(NdArray<T> const& array) {
    std::string shape;
    for (std::size_t i = 0; i < array.shape.size(); ++i)
        shape += fmt::format("{}{}", i == 0 ? "" : ", ", array.shape[i]);
    if (array.shape.size() == 1) shape += ",";
    std::string dict = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descr_of<T>(), shape);
    // NumPy aligns the data to 64 bytes and ends the header with a line end.
    dict.append(63 - (prefix_bytes + dict.size()) % 64, ' ');
    dict += '\n';

    std::string bytes(magic);
    bytes += '\x01';
    bytes += '\x00';
    bytes += static_cast<char>(dict.size() % 256);
    bytes += static_cast<char>(dict.size() / 256);
    bytes += dict;
    auto const data = std::as_bytes(std::span(array.values));
    bytes.append(reinterpret_cast<char const*>(data.data()), data.size());
    return bytes;
}

template <class T>
NdArray<T> read_npy(std::filesystem::path const& path) {
    InputFile const file(path);
    std::string start(std::min(file.size(), max_npy_header_bytes), '\0');
    file.read_at(0, std::as_writable_bytes(std::span(start)));
    NpyHeader const header = parse_npy_header(start, file.size(), path.string());
    GATESWEEP_VALIDATE(
        header.descr == descr_of<T>(), ExitCode::bad_data,
        "{}: elements of type '{}' where '{}' belongs (it is another array): copy the file again or run again",
        path.string(), header.descr, descr_of<T>());
    NdArray<T> array;
    array.shape = header.shape;
    array.values.resize(header.data_bytes / sizeof(T));
    file.read_at(header.data_offset, std::as_writable_bytes(std::span(array.values)));
    return array;
}

template std::string to_npy(NdArray<std::int64_t> const&);
template std::string to_npy(NdArray<double> const&);
template NdArray<std::int64_t> read_npy(std::filesystem::path const&);
template NdArray<double> read_npy(std::filesystem::path const&);

}  // namespace gatesweep
