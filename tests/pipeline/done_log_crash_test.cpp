// tandem - done_log after a crash of the machine: what the disk may show, and what is synced when
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/done_log.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "done_log_probes.hpp"

using namespace tandem_test;
using tandem::done_log;
namespace fs = std::filesystem;

namespace {

std::atomic<int> synced_files{0};
std::atomic<int> synced_folders{0};

}  // namespace

// Stands before that of the system, in this program alone: notes what is synced.
extern "C" int fsync(int descriptor) {
    struct ::stat about;
    if (::fstat(descriptor, &about) == 0) ++(S_ISDIR(about.st_mode) ? synced_folders : synced_files);
    return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

namespace {

void write(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << text;
}
bool all_in(const done_log& log, const std::vector<std::string>& keys) {
    bool all = true;
    for (const std::string& key : keys) all = all && log.contains(key);
    return all;
}

}  // namespace

TEST_CASE("done_log: the folder is synced when the file is new, the file when it is flushed",
          "[pipeline][threads]") {
    const temporary_folder folder;
    synced_folders = 0;
    synced_files = 0;
    record(folder.file(), {"first"});
    CHECK(synced_folders == 1);
    CHECK(synced_files == 1);  // the first batch is due
    record(folder.file(), {"second"});
    CHECK(synced_folders == 1);

    const fs::path before = fs::current_path();
    fs::current_path(fs::path(folder.file()).parent_path());
    record("beside.log", {"first"});  // of which no folder is named
    fs::current_path(before);
    CHECK(synced_folders == 2);
}

TEST_CASE("done_log: zeros that a crash left behind the last line are cut off", "[pipeline][threads]") {
    const temporary_folder folder;
    record(folder.file(), {"first", "second"});
    const std::string whole = text_of(folder.file());
    for (const std::size_t zeros :
         {std::size_t{1}, std::size_t{511}, std::size_t{4096}, std::size_t{70000}}) {
        write(folder.file(), whole + std::string(zeros, '\0'));
        {
            const done_log log(folder.file());
            CHECK(all_in(log, {"first", "second"}));
            CHECK(log.statistics().damaged == 1);
        }
        CHECK(text_of(folder.file()) == whole);
    }
}

TEST_CASE("done_log: a file of which a crash kept nothing but its length is an empty log",
          "[pipeline][threads]") {
    const temporary_folder folder;
    write(folder.file(), std::string(4096, '\0'));
    record(folder.file(), {"first"});
    const done_log log(folder.file());
    CHECK(log.statistics().keys == 1);
    CHECK(log.statistics().damaged == 0);
}

TEST_CASE("done_log: each bit that flips costs the item of its line, or that of two, and never makes one up",
          "[pipeline][threads]") {
    const temporary_folder folder;
    const std::vector<std::string> keys{"one", "tw\no", "three"};
    record(folder.file(), keys);
    const std::string whole = text_of(folder.file());
    for (std::size_t bit = 0; bit < 8 * whole.size(); ++bit) {
        std::string flipped = whole;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
        write(folder.file(), flipped);
        const done_log log(folder.file());
        std::size_t known = 0;
        for (const std::string& key : keys) known += log.contains(key);
        if (log.statistics().keys != known || known < 1 || known > 2) FAIL("bit " << bit);
        if (log.statistics().damaged < 1) FAIL("bit " << bit << " went unseen");
    }
}

TEST_CASE("done_log: a key that was recorded twice is one item", "[pipeline][threads]") {
    const temporary_folder folder;
    record(folder.file(), {"same", "same", "other"});
    const done_log log(folder.file());
    CHECK(log.statistics().keys == 2);
    CHECK(log.statistics().damaged == 0);
}

TEST_CASE("done_log: a key larger than any buffer is whole, and torn anywhere it is not done",
          "[pipeline][threads]") {
    const temporary_folder folder;
    std::string large(std::size_t{1} << 20, 'k');
    for (std::size_t i = 0; i < large.size(); i += 4093) large[i] = "\n\\n\0"[i % 4];
    record(folder.file(), {"small", large});
    const std::string whole = text_of(folder.file());
    {
        const done_log log(folder.file());
        CHECK(all_in(log, {"small", large}));
    }
    for (std::size_t cut = whole.size() - 1; cut > 100; cut = cut / 2) {
        write(folder.file(), whole.substr(0, cut));
        const done_log log(folder.file());
        CHECK(log.contains("small"));
        CHECK(log.statistics().keys == 1);
    }
}
