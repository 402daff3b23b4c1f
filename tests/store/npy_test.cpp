#include "gatesweep/store/npy.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

#include "gatesweep/base/file.h"
#include "support/expect_error.h"
#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

// A file whose header is `dict`, unpadded, followed by `num_bytes` of data.
std::string file_with(std::string const& dict, std::size_t num_bytes) {
    std::string bytes = "\x93NUMPY";
    bytes += '\x01';
    bytes += '\x00';
    bytes += static_cast<char>(dict.size() % 256);
    bytes += static_cast<char>(dict.size() / 256);
    return bytes + dict + std::string(num_bytes, '\0');
}

template <class T>
class NpyRoundTrip : public testing::Test {};
using ElementTypes = testing::Types<std::int64_t, double>;
TYPED_TEST_SUITE(NpyRoundTrip, ElementTypes);

TYPED_TEST(NpyRoundTrip, KeepsEveryBitOfEveryShape) {
    TemporaryFolder const scratch;
    std::mt19937_64 random(1);
    for (std::vector<std::int64_t> const& shape :
         std::vector<std::vector<std::int64_t>>{{}, {0}, {5}, {2, 3}, {4, 3, 8}, {0, 32, 8}, {1, 1, 1, 7}}) {
        NdArray<TypeParam> array(shape);
        for (auto& value : array.values)
            value = std::bit_cast<TypeParam>(random());
        write_file_atomically(scratch.path() / "a.npy", to_npy(array));
        auto const back = read_npy<TypeParam>(scratch.path() / "a.npy");
        EXPECT_EQ(back.shape, shape);
        ASSERT_EQ(back.values.size(), array.values.size());
        for (std::size_t i = 0; i < array.values.size(); ++i) {
            EXPECT_EQ(std::bit_cast<std::uint64_t>(back.values[i]), std::bit_cast<std::uint64_t>(array.values[i]));
        }
    }
}

TEST(Npy, IsByteForByteWhatNumPyWrites) {
    NdArray<std::int64_t> array({2, 1, 3});
    array.values = {1, -1, 2, 256, 3, 4};
    std::string const bytes = to_npy(array);
    // numpy.save(..., np.array([[[1, -1, 2]], [[256, 3, 4]]])): 128 bytes of header.
    ASSERT_EQ(bytes.size(), 128u + 48u);
    EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
    EXPECT_EQ(bytes.substr(10, 60), "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 1, 3),");
    EXPECT_EQ(bytes.substr(70, 57), " }" + std::string(55, ' '));
    EXPECT_EQ(bytes[127], '\n');
    EXPECT_EQ(bytes.substr(128, 16), std::string("\1\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16));
}

TEST(Npy, KeepsNanAndInfinity) {
    TemporaryFolder const scratch;
    NdArray<double> array({3});
    array.values = {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity(), -0.0};
    write_file_atomically(scratch.path() / "a.npy", to_npy(array));
    auto const back = read_npy<double>(scratch.path() / "a.npy");
    EXPECT_TRUE(std::isnan(back.values[0]));
    EXPECT_EQ(back.values[1], -std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::signbit(back.values[2]));
}

TEST(Npy, AcceptsOtherSpellingsOfTheSameHeader) {
    std::string const bytes = file_with("{'shape':(2,),'fortran_order':False,'descr':'<f8'}", 16);
    NpyHeader const header = parse_npy_header(bytes, bytes.size(), "a.npy");
    EXPECT_EQ(header.shape, std::vector<std::int64_t>{2});
    EXPECT_EQ(header.data_bytes, 16u);
}

TEST(Npy, RefusesEveryDamagedHeader) {
    struct Case {
        std::string bytes;
        std::string says;
    };
    auto const dict = [](std::string const& shape, std::string const& descr = "<i8",
                         std::string const& order = "False") {
        return "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
    };
    std::string wrong_version = file_with(dict("(1,)"), 8);
    wrong_version[6] = 2;
    for (Case const& c : std::vector<Case>{
             {"", "does not start with"},
             {"PK\x03\x04 something else entirely", "does not start with"},
             {wrong_version, "format 2.0"},
             {file_with(dict("(1,)"), 8).substr(0, 40), "inside its header"},
             {file_with(dict("(3,)"), 16), "needs 24 bytes of data and the file has 16"},
             {file_with(dict("(3,)"), 32), "needs 24 bytes of data and the file has 32"},
             {file_with(dict("(0, 3)"), 8), "needs 0 bytes"},
             {file_with(dict("(1,)", "<i4"), 4), "'<i4'"},
             {file_with(dict("(1,)", ">i8"), 8), "'>i8'"},
             {file_with(dict("(1,)", "<i8", "True"), 8), "row-major"},
             {file_with(dict("(1,)", "<i8", "Falsehood"), 8), "row-major"},
             {file_with(dict("(-1,)"), 8), "a wrong shape"},
             {file_with(dict("(1)"), 8), "a wrong shape"},
             {file_with(dict("(1.5,)"), 8), "a wrong shape"},
             {file_with(dict("(99999999999999999999,)"), 8), "a wrong shape"},
             {file_with(dict("(4611686018427387904, 4)"), 8), "larger than any file"},
             {file_with(dict("(2305843009213693952,)"), 0), "larger than any file"},
             {file_with("{'descr': '<i8', 'descr': '<i8', 'fortran_order': False, 'shape': (1,), }\n", 8),
              "repeated key"},
             {file_with("{'descr': '<i8', 'fortran_order': False, 'size': (1,), }\n", 8), "unknown"},
             {file_with("{'descr': '<i8', 'shape': (1,), }\n", 8), "a missing key"},
             {file_with("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), } x\n", 8), "text after"},
             {file_with("{'descr': '<i8, 'fortran_order': False, 'shape': (1,), }\n", 8), "no "},
             {file_with("{'descr': '<i8", 8), "an open string"},
             {file_with("", 8), "no '{'"},
         }) {
        EXPECT_ERROR(parse_npy_header(c.bytes, c.bytes.size(), "run/a.npy"), ExitCode::bad_data, c.says, "run/a.npy");
    }
    std::string deep = "(";
    for (int i = 0; i < 40; ++i)
        deep += "1, ";
    auto const too_deep = file_with(dict(deep + ")"), 8);
    EXPECT_ERROR(parse_npy_header(too_deep, too_deep.size(), "a.npy"), ExitCode::bad_data, "a wrong shape");
}

TEST(Npy, NoCutOrChangedByteReadsSilentlyWrong) {
    NdArray<std::int64_t> array({2, 3, 4}, 7);
    std::string const good = to_npy(array);
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_ERROR(parse_npy_header(good.substr(0, size), size, "a.npy"), ExitCode::bad_data, "a.npy");
    }
    std::mt19937 random(2);
    for (int trial = 0; trial < 20000; ++trial) {
        std::string bytes = good;
        bytes[random() % 128] = static_cast<char>(random());
        try {
            NpyHeader const header = parse_npy_header(bytes, bytes.size(), "a.npy");
            EXPECT_EQ(header.data_offset + header.data_bytes, bytes.size());  // whatever it reads lies inside the file
        } catch (Error const& error) {
            EXPECT_EQ(error.code(), ExitCode::bad_data);
        }
    }
}  // namespace

TEST(Npy, ReadingAnotherTypeOrNothing) {
    TemporaryFolder const scratch;
    write_file_atomically(scratch.path() / "a.npy", to_npy(NdArray<double>({2})));
    EXPECT_ERROR(read_npy<std::int64_t>(scratch.path() / "a.npy"), ExitCode::bad_data, "'<f8' where '<i8' belongs");
    EXPECT_ERROR(read_npy<double>(scratch.path() / "b.npy"), ExitCode::input_missing, "b.npy");
}

}  // namespace
}  // namespace gatesweep
