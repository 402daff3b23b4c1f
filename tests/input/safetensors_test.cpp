// The safetensors reader. Long: each way in which a file can be damaged has its own case.
#include "gatesweep/input/safetensors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include "support/expect_error.h"
#include "support/safetensors_writer.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

std::map<std::string, TensorEntry> parse(std::string_view header, std::uint64_t data_bytes) {
    return parse_safetensors_header(std::as_bytes(std::span(header)), 8 + header.size() + data_bytes, "m.safetensors");
}

std::vector<TestTensor> three_tensors() {
    return {float_tensor("a", {2, 3}, {1, 2, 3, 4, 5, 6}), {"b.weight", "BF16", {2}, "wxyz"}, {"empty", "I8", {0}, ""}};
}

TEST(Safetensors, ReadsWhatWasWritten) {
    TemporaryFolder const folder;
    write_safetensors(folder / "m.safetensors", three_tensors());
    SafetensorsFile const file(folder / "m.safetensors");
    ASSERT_EQ(file.tensors().size(), 3u);
    EXPECT_EQ(file.tensors().at("a").type.name, "F32");
    EXPECT_EQ(file.tensors().at("a").type.bits, 32);
    EXPECT_EQ(file.tensors().at("a").shape, (std::vector<std::int64_t>{2, 3}));
    EXPECT_EQ(file.tensors().at("b.weight").begin, 24u);
    EXPECT_EQ(file.tensors().at("b.weight").num_bytes(), 4u);
    EXPECT_EQ(file.tensors().at("empty").num_bytes(), 0u);
    EXPECT_EQ(file.file_size(), std::filesystem::file_size(folder / "m.safetensors"));

    std::array<float, 6> values{};
    file.read("a", 0, std::as_writable_bytes(std::span(values)));
    EXPECT_EQ(values, (std::array<float, 6>{1, 2, 3, 4, 5, 6}));
    std::array<char, 2> tail{};
    file.read("b.weight", 2, std::as_writable_bytes(std::span(tail)));
    EXPECT_EQ(tail, (std::array{'y', 'z'}));
    file.read("empty", 0, {});
}

TEST(Safetensors, RefusesToReadOutsideATensor) {
    TemporaryFolder const folder;
    write_safetensors(folder / "m.safetensors", three_tensors());
    SafetensorsFile const file(folder / "m.safetensors");
    std::array<std::byte, 3> out{};
    EXPECT_ERROR(file.read("b.weight", 2, out), ExitCode::internal, "b.weight", "4 bytes");
    EXPECT_ERROR(file.read("b.weight", ~std::uint64_t{0}, out), ExitCode::internal, "b.weight");
    EXPECT_ERROR(file.read("empty", 0, out), ExitCode::internal, "empty");
    EXPECT_ERROR(file.read("c\n", 0, out), ExitCode::bad_data, "m.safetensors", "c\\x0a");
}

struct Accepted {
    char const* name;
    std::string header;
    std::uint64_t data_bytes;
    std::size_t num_tensors;
};

std::string nested_shape(std::string const& dims) {
    return fmt::format(R"({{"a":{{"dtype":"U8","shape":[{}],"data_offsets":[0,1]}}}})", dims);
}
std::string repeated(std::string const& text, std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

TEST(Safetensors, AcceptsEveryLegalForm) {
    std::vector<Accepted> const cases = {
        {"no tensors", "{}", 0, 0},
        {"metadata only", R"({"__metadata__":{}})", 0, 0},
        {"metadata after", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"__metadata__":{"x":"y"}})", 1, 1},
        {"scalar", R"({"a":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})", 8, 1},
        {"zero size", R"({"a":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]}})", 0, 1},
        {"zero size between",
         R"({"c":{"dtype":"U8","shape":[2],"data_offsets":[1,3]},"z":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},)"
         R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
         3, 3},
        {"zero dimension before a large one",
         R"({"a":{"dtype":"F64","shape":[0,1152921504606846976],"data_offsets":[0,0]}})", 0, 1},
        {"zero dimension after a large one",
         R"({"a":{"dtype":"F64","shape":[1152921504606846976,0],"data_offsets":[0,0]}})", 0, 1},
        {"fields in another order", R"({"a":{"data_offsets":[0,4],"shape":[2],"dtype":"F16"}})", 4, 1},
        {"two four-bit values", R"({"a":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}})", 1, 1},
        {"four six-bit values", R"({"a":{"dtype":"F6_E2M3","shape":[4],"data_offsets":[0,3]}})", 3, 1},
        {"leading white space", "\n\t\r {}", 0, 0},
        {"trailing white space", "{}   \n", 0, 0},
        {"escapes in a name", R"({"\u0061\n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1, 1},
        {"64 dimensions", nested_shape(repeated("1,", 63) + "1"), 1, 1},
    };
    for (auto const& c : cases) {
        SCOPED_TRACE(c.name);
        EXPECT_EQ(parse(c.header, c.data_bytes).size(), c.num_tensors);
    }
    EXPECT_TRUE(parse(R"({"\u0061\n":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1).contains("a\n"));
}

TEST(Safetensors, KnowsEveryStorageType) {
    std::map<std::string, int> const bits = {
        {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6},     {"F6_E3M2", 6},     {"U8", 8},   {"I8", 8},
        {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8},     {"I16", 16},        {"U16", 16}, {"F16", 16},
        {"BF16", 16},   {"I32", 32},    {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"U32", 32}, {"F32", 32},
        {"C64", 64},    {"F64", 64},    {"I64", 64},        {"U64", 64}};
    for (auto const& [type, size] : bits) {
        auto const tensors =
            parse(fmt::format(R"({{"a":{{"dtype":"{}","shape":[8],"data_offsets":[0,{}]}}}})", type, size),
                  static_cast<std::uint64_t>(size));
        EXPECT_EQ(tensors.at("a").type.name, type);
        EXPECT_EQ(tensors.at("a").type.bits, size);
    }
}

struct Hostile {
    char const* name;
    std::string header;
    std::uint64_t data_bytes;
    std::vector<std::string_view> words;
};

std::string entry(std::string const& fields) {
    return R"({"a":{)" + fields + "}}";
}
std::string shaped(std::string const& dtype, std::string const& shape, std::string const& offsets) {
    return entry(fmt::format(R"("dtype":"{}","shape":{},"data_offsets":{})", dtype, shape, offsets));
}
std::string pair_of(std::string const& first, std::string const& second) {
    return fmt::format(R"({{"a":{{"dtype":"U8","shape":[4],"data_offsets":{}}},)"
                       R"("b":{{"dtype":"U8","shape":[4],"data_offsets":{}}}}})",
                       first, second);
}

std::vector<Hostile> broken_json() {
    return {
        {"empty header", "", 0, {"not valid JSON"}},
        {"blank header", "    ", 0, {"not valid JSON"}},
        {"lone brace", "{", 0, {"not valid JSON"}},
        {"unclosed entry", R"({"a":{"dtype":"U8")", 0, {"not valid JSON"}},
        {"0xff", "\xFF\xFF\xFF", 0, {"not valid JSON"}},
        {"array at the top", "[]", 0, {"the header", "array"}},
        {"string at the top", R"("x")", 0, {"the header", "string"}},
        {"number at the top", "7", 0, {"the header", "number"}},
        {"null at the top", "null", 0, {"the header", "null"}},
        {"second value", "{}{}", 0, {"not valid JSON", "byte 3"}},
        {"text after", "{} x", 0, {"not valid JSON"}},
        {"NUL after", std::string("{}\0garbage", 10), 0, {"NUL", "byte 2"}},
        {"NUL padding", std::string("{}\0\0\0", 5), 0, {"NUL"}},
        {"byte order mark", "\xEF\xBB\xBF{}", 0, {"byte order mark"}},
        {"comment", "{/* */}", 0, {"not valid JSON"}},
        {"trailing comma", R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},})", 1, {"not valid JSON"}},
        {"single quotes", "{'a':{}}", 0, {"not valid JSON"}},
        {"form feed as white space", "\f{}", 0, {"not valid JSON"}},
        {"invalid UTF-8 in a name", "{\"\xC3\x28\":{}}", 0, {"not valid JSON"}},
        {"overlong UTF-8 in a name", "{\"\xC0\xAF\":{}}", 0, {"not valid JSON"}},
        {"UTF-8 surrogate in a name", "{\"\xED\xA0\x80\":{}}", 0, {"not valid JSON"}},
        {"lone surrogate escape", R"({"\ud800":{}})", 0, {"not valid JSON"}},
        {"raw newline in a name", "{\"a\n\":{}}", 0, {"not valid JSON"}},
        {"invalid UTF-8 in metadata", "{\"__metadata__\":{\"x\":\"\xFF\"}}", 0, {"not valid JSON"}},
        {"deep arrays", R"({"a":)" + std::string(1'000'000, '['), 0, {"tensor \"a\"", "array"}},
        {"deep objects", repeated("{\"a\":", 100'000), 0, {"tensor \"a\"", "unknown field"}},
    };
}

std::vector<Hostile> broken_entries() {
    return {
        {"tensor is a number", R"({"a":1})", 0, {"tensor \"a\"", "number"}},
        {"tensor is null", R"({"a":null})", 0, {"tensor \"a\"", "null"}},
        {"tensor is an array", R"({"a":["U8",[1],[0,1]]})", 1, {"tensor \"a\"", "array"}},
        {"tensor is true", R"({"a":true})", 0, {"tensor \"a\"", "boolean"}},
        {"empty entry", entry(""), 0, {"tensor \"a\"", "missing"}},
        {"no dtype", entry(R"("shape":[1],"data_offsets":[0,1])"), 1, {"missing"}},
        {"no shape", entry(R"("dtype":"U8","data_offsets":[0,1])"), 1, {"missing"}},
        {"no offsets", entry(R"("dtype":"U8","shape":[1])"), 1, {"missing"}},
        {"unknown field",
         entry(R"("dtype":"U8","shape":[1],"data_offsets":[0,1],"stride":[1])"),
         1,
         {"unknown field", "stride"}},
        {"field twice",
         entry(R"("dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1])"),
         1,
         {"\"dtype\" is given twice"}},
        {"field twice by escape",
         entry(R"("shape":[2],"sh\u0061pe":[1],"dtype":"U8","data_offsets":[0,1])"),
         1,
         {"\"shape\" is given twice"}},
        {"unknown dtype", shaped("F7", "[1]", "[0,1]"), 1, {"unknown dtype \"F7\""}},
        {"lower-case dtype", shaped("f32", "[1]", "[0,4]"), 4, {"unknown dtype"}},
        {"dtype with control bytes", shaped(R"(F\u001b[31m)", "[1]", "[0,1]"), 1, {"unknown dtype", "\\x1b"}},
        {"dtype is a number", entry(R"("dtype":32,"shape":[1],"data_offsets":[0,4])"), 4, {"number"}},
        {"dtype is null", entry(R"("dtype":null,"shape":[1],"data_offsets":[0,4])"), 4, {"null"}},
        {"dtype is an object", entry(R"("dtype":{},"shape":[1],"data_offsets":[0,4])"), 4, {"object"}},
        {"dtype is a list", entry(R"("dtype":["U8"],"shape":[1],"data_offsets":[0,1])"), 1, {"array"}},
        {"shape is a number", shaped("U8", "1", "[0,1]"), 1, {"number"}},
        {"shape is a string", shaped("U8", R"("1")", "[0,1]"), 1, {"string"}},
        {"shape of strings", shaped("U8", R"(["1"])", "[0,1]"), 1, {"string"}},
        {"shape of lists", shaped("U8", "[[1]]", "[0,1]"), 1, {"array"}},
        {"shape of objects", shaped("U8", "[{}]", "[0,1]"), 1, {"object"}},
        {"negative dimension", shaped("U8", "[-1]", "[0,1]"), 1, {"negative number, -1"}},
        {"negative zero", shaped("U8", "[-0]", "[0,0]"), 0, {"negative"}},
        {"fractional dimension", shaped("U8", "[1.5]", "[0,1]"), 1, {"1.5"}},
        {"float dimension", shaped("U8", "[1.0]", "[0,1]"), 1, {"1.0"}},
        {"exponent", shaped("U8", "[1e0]", "[0,1]"), 1, {"1e0"}},
        {"65-bit dimension", shaped("U8", "[18446744073709551616]", "[0,0]"), 0, {"18446744073709551616"}},
        {"63-bit dimension", shaped("U8", "[9223372036854775808,0]", "[0,0]"), 0, {"2^63"}},
        {"infinite number", shaped("U8", "[1e999]", "[0,1]"), 1, {"m.safetensors"}},
        {"hexadecimal", shaped("U8", "[0x1]", "[0,1]"), 1, {"not valid JSON"}},
        {"leading zero", shaped("U8", "[01]", "[0,1]"), 1, {"not valid JSON"}},
        {"65 dimensions", nested_shape(repeated("1,", 64) + "1"), 1, {"more than 64 dimensions"}},
        {"one offset", shaped("U8", "[1]", "[0]"), 1, {"begin and an end"}},
        {"no offset", shaped("U8", "[1]", "[]"), 1, {"begin and an end"}},
        {"three offsets", shaped("U8", "[1]", "[0,1,2]"), 1, {"more than two data_offsets"}},
        {"offsets are a number", shaped("U8", "[1]", "1"), 1, {"number"}},
        {"offset is a string", shaped("U8", "[1]", R"(["0",1])"), 1, {"string"}},
        {"negative offset", shaped("U8", "[1]", "[-1,0]"), 1, {"negative"}},
        {"float offset", shaped("U8", "[1]", "[0,1.0]"), 1, {"1.0"}},
        {"65-bit offset", shaped("U8", "[1]", "[0,18446744073709551617]"), 1, {"18446744073709551617"}},
        {"name twice",
         R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
         1,
         {"\"a\" is given twice"}},
        {"name twice by escape",
         R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
         2,
         {"\"a\" is given twice"}},
        {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0, {"__metadata__", "twice"}},
        {"metadata key twice", R"({"__metadata__":{"x":"1","x":"2"}})", 0, {"__metadata__ key \"x\"", "twice"}},
        {"metadata of numbers", R"({"__metadata__":{"x":1}})", 0, {"__metadata__", "number"}},
        {"metadata of null", R"({"__metadata__":{"x":null}})", 0, {"__metadata__", "null"}},
        {"nested metadata", R"({"__metadata__":{"x":{}}})", 0, {"__metadata__", "object"}},
        {"list in metadata", R"({"__metadata__":{"x":[]}})", 0, {"__metadata__", "array"}},
        {"metadata is null", R"({"__metadata__":null})", 0, {"__metadata__", "null"}},
        {"metadata is a string", R"({"__metadata__":"pt"})", 0, {"__metadata__", "string"}},
        {"name with an escape sequence", R"({"\u001b[2J":1})", 0, {"\\x1b[2J"}},
    };
}

std::vector<Hostile> broken_layout() {
    return {
        {"backwards", shaped("U8", "[0]", "[4,0]"), 4, {"[4, 0]", "backwards"}},
        {"too few bytes for the shape", shaped("F32", "[2]", "[0,4]"), 4, {"hold 4 bytes", "F32 [2] needs 8"}},
        {"too many bytes for the shape", shaped("F32", "[2]", "[0,16]"), 16, {"hold 16 bytes", "needs 8"}},
        {"wrong type for the bytes", shaped("BF16", "[2]", "[0,8]"), 8, {"BF16 [2] needs 4"}},
        {"product overflow by 2^64-2", shaped("F32", "[2,9223372036854775807]", "[0,8]"), 8, {"overflows"}},
        {"product overflow to zero", shaped("U8", "[4294967296,4294967296]", "[0,0]"), 0, {"overflows"}},
        {"product overflow to the size",
         shaped("U8", "[4294967296,4294967297]", "[0,4294967296]"),
         4294967296,
         {"overflows"}},
        {"bits overflow", shaped("F64", "[1152921504606846976]", "[0,0]"), 0, {"overflows"}},
        {"overflow hidden by a zero", shaped("U8", "[4294967296,4294967296,0]", "[0,0]"), 0, {"overflows"}},
        {"half a byte", shaped("F4", "[1]", "[0,0]"), 0, {"within a byte"}},
        {"half a byte, rounded up", shaped("F4", "[3]", "[0,2]"), 2, {"within a byte"}},
        {"six bits", shaped("F6_E3M2", "[1]", "[0,1]"), 1, {"within a byte"}},
        {"hole at the start", shaped("U8", "[1]", "[1,2]"), 2, {"\"a\"", "[1, 2)", "hole"}},
        {"hole between", pair_of("[0,4]", "[5,9]"), 9, {"\"b\"", "[5, 9)", "ends at 4", "hole"}},
        {"same bytes twice", pair_of("[0,4]", "[0,4]"), 4, {"\"b\"", "overlap"}},
        {"partial overlap", pair_of("[0,4]", "[3,7]"), 7, {"\"b\"", "[3, 7)", "overlap"}},
        {"one inside the other",
         R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}})",
         8,
         {"\"b\"", "overlap"}},
        {"empty tensor in the middle of another",
         R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}})",
         8,
         {"\"b\"", "overlap"}},
        {"empty tensor beyond the end",
         R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[0],"data_offsets":[9,9]}})",
         9,
         {"\"b\"", "hole"}},
        {"data too short", shaped("U8", "[4]", "[0,4]"), 2, {"truncated", "63 of 65 bytes"}},
        {"no data at all", shaped("U8", "[4]", "[0,4]"), 0, {"truncated", "copy it again"}},
        {"one byte too many", shaped("U8", "[4]", "[0,4]"), 5, {"1 bytes follow"}},
        {"trailing megabyte", "{}", 1'000'000, {"1000000 bytes follow"}},
        {"terabytes claimed", shaped("U8", "[2199023255552]", "[0,2199023255552]"), 4, {"truncated", "GB"}},
        {"end near 2^64", shaped("U8", "[0]", "[18446744073709551615,18446744073709551615]"), 0, {"hole"}},
    };
}

TEST(Safetensors, RefusesHostileHeaders) {
    std::size_t num_cases = 0;
    for (auto const& table : {broken_json(), broken_entries(), broken_layout()}) {
        for (auto const& c : table) {
            SCOPED_TRACE(c.name);
            auto words = c.words;
            words.push_back("m.safetensors");
            expect_error([&] { parse(c.header, c.data_bytes); }, ExitCode::bad_data, words);
            ++num_cases;
        }
    }
    EXPECT_GE(num_cases, 60u);
}

TEST(Safetensors, ErrorTextHasNoControlBytes) {
    for (auto const& table : {broken_json(), broken_entries(), broken_layout()}) {
        for (auto const& c : table) {
            try {
                parse(c.header, c.data_bytes);
            } catch (Error const& error) {
                std::string const message = error.what();
                EXPECT_LT(message.size(), 600u) << c.name;
                EXPECT_TRUE(std::ranges::all_of(message, [](unsigned char b) { return b >= 0x20 && b < 0x7F; }))
                    << c.name;
            }
        }
    }
}

TEST(Safetensors, RefusesFilesWithBrokenLengths) {
    TemporaryFolder const folder;
    struct Case {
        std::string bytes;
        std::vector<std::string_view> words;
    };
    std::vector<Case> const cases = {
        {"", {"0 bytes", "too short"}},
        {"1234567", {"7 bytes", "too short"}},
        {little_endian(2), {"truncated", "8 of 10 bytes"}},
        {little_endian(60) + "\xFF\xFF\xFF", {"truncated", "11 of 68 bytes"}},
        {little_endian(100'000'000) + "{}", {"truncated"}},
        {little_endian(100'000'001) + "{}", {"100000001 bytes", "over the limit"}},
        {little_endian(std::uint64_t{1} << 63) + "{}", {"over the limit"}},
        {little_endian(~std::uint64_t{0}) + "{}", {"18446744073709551615", "over the limit"}},
        {little_endian(~std::uint64_t{7}) + "{}", {"over the limit"}},  // 8 + N wraps to 0
        {little_endian(1) + "{}", {"not valid JSON"}},
        {"<!DOCTYPE html>", {"over the limit"}},
    };
    for (auto const& c : cases) {
        auto const path = folder.write("x.safetensors", c.bytes);
        auto words = c.words;
        words.push_back("x.safetensors");
        expect_error([&] { SafetensorsFile{path}; }, ExitCode::bad_data, words);
    }
    EXPECT_ERROR(SafetensorsFile(folder / "absent"), ExitCode::input_missing, "absent");
    EXPECT_ERROR(SafetensorsFile{folder.path()}, ExitCode::input_missing, "regular file");
}

TEST(Safetensors, TellsHowMuchOfALargeFileIsThere) {
    std::string const header = shaped("U8", "[4900000000]", "[0,4900000000]");
    EXPECT_ERROR(
        parse_safetensors_header(std::as_bytes(std::span(header)), 4'200'000'000, "model-00003-of-00019.safetensors"),
        ExitCode::bad_data,
        "model-00003-of-00019.safetensors is truncated (4.2 of 4.9 GB): the checkpoint cannot be trusted; copy it "
        "again");
    EXPECT_ERROR(parse(header, 4'899'999'999), ExitCode::bad_data, "is truncated (4900000078 of 4900000079 bytes)");
}

// A sparse file: its size is real, its blocks are not.
TEST(Safetensors, RefusesAHeaderOfHundredMegabytesOfNothing) {
    TemporaryFolder const folder;
    auto const path = folder.write("x.safetensors", little_endian(100'000'000));
    std::filesystem::resize_file(path, 100'000'008);
    EXPECT_ERROR(SafetensorsFile{path}, ExitCode::bad_data, "NUL");
}

TEST(Safetensors, RefusesMillionsOfEntries) {
    std::string tensors = "{", metadata = R"({"__metadata__":{)";
    for (int i = 0; i < 1'000'000; ++i) {
        std::string const name = (i == 0 ? "\"" : ",\"") + std::to_string(i);
        tensors += name + R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
        metadata += name + R"(":"")";
    }
    EXPECT_ERROR(parse(tensors + "}", 0), ExitCode::bad_data, "more than 262144 entries");
    EXPECT_ERROR(parse(metadata + "}}", 0), ExitCode::bad_data, "more than 262144 entries");
    EXPECT_ERROR(parse(R"({"a":{"dtype":"U8","shape":[0)" + repeated(",0", 5'000'000), 0), ExitCode::bad_data,
                 "64 dimensions");
    EXPECT_ERROR(parse("{\"" + std::string(20'000'000, 'x'), 0), ExitCode::bad_data, "not valid JSON");
}

TEST(Safetensors, RefusesEveryTruncation) {
    TemporaryFolder const folder;
    std::string const whole = safetensors_bytes(three_tensors());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        auto const path = folder.write("x.safetensors", std::string_view(whole).substr(0, size));
        EXPECT_ERROR(SafetensorsFile{path}, ExitCode::bad_data, "x.safetensors", "cannot be trusted");
    }
}

TEST(Safetensors, NoticesAFileThatShrinksWhileOpen) {
    TemporaryFolder const folder;
    auto const path = folder.write("x.safetensors", safetensors_bytes(three_tensors()));
    SafetensorsFile const file(path);
    std::filesystem::resize_file(path, file.file_size() - 2);
    std::array<std::byte, 4> out{};
    EXPECT_ERROR(file.read("b.weight", 0, out), ExitCode::bad_data, "x.safetensors", "truncated");
}

// Whatever is damaged: an Error, or entries that a slow independent check still finds to tile the file.
void expect_refused_or_consistent(std::string const& header, std::uint64_t data_bytes) {
    std::map<std::string, TensorEntry> tensors;
    try {
        tensors = parse(header, data_bytes);
    } catch (Error const& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_data) << error.what();
        return;
    }
    std::vector<int> owners(data_bytes, 0);
    for (auto const& [name, tensor] : tensors) {
        ASSERT_LE(tensor.end, data_bytes) << header;
        std::int64_t bits = tensor.type.bits;
        for (auto const dim : tensor.shape)
            bits *= dim;
        EXPECT_EQ(static_cast<std::uint64_t>(bits), 8 * tensor.num_bytes()) << header;
        for (auto byte = tensor.begin; byte < tensor.end; ++byte)
            ++owners[byte];
    }
    EXPECT_TRUE(std::ranges::all_of(owners, [](int count) { return count == 1; })) << header;
}

TEST(Safetensors, SurvivesEveryBitFlip) {
    std::string const bytes = safetensors_bytes(three_tensors());
    std::string const header = bytes.substr(8, bytes.size() - 8 - 28);
    for (std::size_t bit = 0; bit < 8 * header.size(); ++bit) {
        std::string damaged = header;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
        expect_refused_or_consistent(damaged, 28);
    }
}

TEST(Safetensors, SurvivesRandomEdits) {
    std::string const bytes = safetensors_bytes(three_tensors());
    std::string const header = bytes.substr(8, bytes.size() - 8 - 28);
    std::vector<std::string> const pieces = {"{",
                                             "}",
                                             "[",
                                             "]",
                                             ",",
                                             ":",
                                             "\"",
                                             "0",
                                             "1",
                                             "2",
                                             "24",
                                             "28",
                                             "-",
                                             "1e3",
                                             "null",
                                             "true",
                                             "\"dtype\":",
                                             "\"shape\":",
                                             "\"data_offsets\":",
                                             "\"U8\"",
                                             "\"F4\"",
                                             "\\u0061",
                                             "18446744073709551615",
                                             "\"__metadata__\":{}",
                                             "\xC3",
                                             std::string(1, '\0')};
    std::mt19937_64 random(1);
    for (int round = 0; round < 20'000; ++round) {
        std::string damaged = header;
        for (auto edits = 1 + random() % 4; edits > 0; --edits) {
            std::size_t const at = random() % (damaged.size() + 1);
            damaged.replace(at, random() % 4, pieces[random() % pieces.size()]);
        }
        expect_refused_or_consistent(damaged, 28);
    }
}

}  // namespace
}  // namespace gatesweep
