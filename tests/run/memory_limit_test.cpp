#include "gatesweep/run/memory_limit.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace gatesweep {
namespace {

// A made-up root with the groups of one process.
class Root {
public:
    explicit Root(std::string const& groups) { write("proc/self/cgroup", groups); }
    std::filesystem::path const& path() const { return folder_.path(); }

    void write(std::string const& name, std::string const& text) const {
        std::filesystem::create_directories((folder_ / name).parent_path());
        folder_.write(name, text);
    }
    void v1(std::string const& group, std::string const& limit, std::string const& usage,
            std::string const& cached = "0") const {
        write("sys/fs/cgroup/memory/" + group + "memory.limit_in_bytes", limit + "\n");
        write("sys/fs/cgroup/memory/" + group + "memory.usage_in_bytes", usage + "\n");
        write("sys/fs/cgroup/memory/" + group + "memory.stat",
              "cache 12\ninactive_file 1\ntotal_inactive_file " + cached + "\n");
    }
    void v2(std::string const& group, std::string const& limit, std::string const& usage,
            std::string const& cached = "0") const {
        write("sys/fs/cgroup/" + group + "memory.max", limit + "\n");
        write("sys/fs/cgroup/" + group + "memory.current", usage + "\n");
        write("sys/fs/cgroup/" + group + "memory.stat", "anon 12\ninactive_file " + cached + "\nactive_file 3\n");
    }

private:
    TemporaryFolder folder_;
};

TEST(MemoryLimit, IsNoneWithoutGroups) {
    TemporaryFolder const empty;
    EXPECT_FALSE(memory_left_by_groups(empty.path()));
    Root const root("0::/\n");
    EXPECT_FALSE(memory_left_by_groups(root.path()));
}

TEST(MemoryLimit, OfVersion2IsTheLeastOnThePath) {
    Root const root("0::/slurm/job_7/step_0\n");
    root.v2("slurm/job_7/step_0/", "max", "100");
    root.v2("slurm/job_7/", "1000", "300");
    root.v2("slurm/", "900", "350");
    EXPECT_EQ(memory_left_by_groups(root.path()), 550u);
    root.v2("slurm/job_7/", "1000", "800");
    EXPECT_EQ(memory_left_by_groups(root.path()), 200u);
    root.v2("slurm/job_7/", "1000", "800", "500");
    EXPECT_EQ(memory_left_by_groups(root.path()), 550u) << "pages of files read long ago give way";
}

TEST(MemoryLimit, OfVersion1HasItsOwnNames) {
    Root const root("9:name=systemd:/\n4:cpu,memory:/slurm/uid_1/job_7\n3:cpuset:/\n0::/\n");
    root.v1("", "9223372036854771712", "5000");
    root.v1("slurm/uid_1/job_7/", "1000", "400", "100");
    EXPECT_EQ(memory_left_by_groups(root.path()), 700u);
    root.v1("slurm/uid_1/", "600", "500");
    EXPECT_EQ(memory_left_by_groups(root.path()), 100u);
}

TEST(MemoryLimit, OfAContainerIsAtItsRoot) {
    Root const root("4:memory:/docker/0123abc\n");
    root.v1("", "1000", "400");  // the host's path does not exist in here
    EXPECT_EQ(memory_left_by_groups(root.path()), 600u);
}

TEST(MemoryLimit, ThatIsPassedLeavesNothing) {
    Root const root("0::/a\n");
    root.v2("a/", "1000", "1400", "100");
    EXPECT_EQ(memory_left_by_groups(root.path()), 0u);
}

TEST(MemoryLimit, IgnoresWhatItCannotRead) {
    Root const root("nonsense\n0::/a/../../b\n::\n");
    root.v2("a/", "many", "400");
    EXPECT_FALSE(memory_left_by_groups(root.path()));
}

}  // namespace
}  // namespace gatesweep
