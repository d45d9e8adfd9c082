// tandem - behaviour of done_log
// SPDX-License-Identifier: BSL-1.0
#include <tandem/pipeline/done_log.hpp>

#include <tandem/asio/run.hpp>
#include <tandem/core/sleep.hpp>
#include <tandem/tasks/create_task.hpp>
#include <tandem/tasks/gather.hpp>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "done_log_probes.hpp"

using namespace std::chrono_literals;
using namespace tandem_test;
using tandem::done_log;
using tandem::done_log_options;
using tandem::task;
namespace fs = std::filesystem;

namespace {

void append(const std::string& file, const std::string& text) {
    std::ofstream(file, std::ios::binary | std::ios::app) << text;
}

std::string error_of_opening(const std::string& file) {
    try {
        done_log log(file);
    } catch (const std::system_error& error) {
        return error.what();
    }
    return "none";
}

}  // namespace

TEST_CASE("done_log: what one run recorded the next one knows, whatever bytes the keys are of",
          "[pipeline][threads]") {
    const temporary_folder folder;
    const std::vector<std::string> keys{
        "a", "", "two\nlines", "back\\slash", "\\n", std::string("nul\0byte", 8), "a b"};
    record(folder.file(), keys);
    const done_log again(folder.file());
    for (const std::string& key : keys) CHECK(again.contains(key));
    CHECK_FALSE(again.contains("b"));
    CHECK(again.statistics().keys == keys.size());
    CHECK(again.statistics().damaged == 0);
}

TEST_CASE("done_log: a torn last line is cut off, its item is not done, the next line is whole",
          "[pipeline][threads]") {
    const temporary_folder folder;
    record(folder.file(), {"first", "second"});
    const std::string whole = text_of(folder.file());
    const std::size_t second_line = whole.find('\n') + 1;
    for (std::size_t cut = second_line + 1; cut < whole.size(); ++cut) {
        fs::resize_file(folder.file(), cut);
        {
            done_log log(folder.file());
            CHECK(log.contains("first"));
            CHECK_FALSE(log.contains("second"));
            CHECK(log.statistics().damaged == 1);
            tandem::run(log.record("second"));
        }
        REQUIRE(text_of(folder.file()) == whole);
    }
}

TEST_CASE("done_log: a damaged line in the middle is counted, the others stand", "[pipeline][threads]") {
    const temporary_folder folder;
    record(folder.file(), {"first"});
    append(folder.file(), "0123456789abcdef wrong checksum\nshort\n\n");
    record(folder.file(), {"last"});
    const done_log log(folder.file());
    CHECK(log.contains("first"));
    CHECK(log.contains("last"));
    CHECK_FALSE(log.contains("wrong checksum"));
    CHECK(log.statistics().damaged == 3);
}

TEST_CASE("done_log: keys recorded at the same time share a write", "[pipeline][threads]") {
    const temporary_folder folder;
    done_log log(folder.file());
    const auto main = [](done_log& to) -> task<> {
        std::vector<task<>> all;
        for (int i = 0; i < 1000; ++i) all.push_back(to.record(std::to_string(i)));
        co_await tandem::gather(std::move(all));
    };
    tandem::run(main(log));
    CHECK(log.statistics().keys == 1000);
    CHECK(log.statistics().batches == 2);  // the first one's, and that of all who came during it
}

TEST_CASE("done_log: syncs after so many lines, and at flush", "[pipeline][threads]") {
    const temporary_folder folder;
    done_log log(folder.file(), done_log_options().sync_every(3).sync_every(1h));
    const auto main = [](done_log& to) -> task<> {
        co_await to.record(
            "first");  // the clock is past the first hour, or not: whatever it is, it is the base
        const std::size_t base = to.statistics().syncs;
        co_await to.flush();
        CHECK(to.statistics().syncs == base + 1);
        for (int i = 0; i < 6; ++i) co_await to.record(std::to_string(i));
        CHECK(to.statistics().syncs == base + 3);
        co_await to.record("last");
        CHECK(to.statistics().syncs == base + 3);
        co_await to.flush();
        CHECK(to.statistics().syncs == base + 4);
    };
    tandem::run(main(log));
}

TEST_CASE("done_log: a record that is cancelled while it waits is written all the same",
          "[pipeline][threads]") {
    const temporary_folder folder;
    {
        done_log log(folder.file());
        const auto main = [](done_log& to) -> task<> {
            const auto first = tandem::create_task(to.record("first"));
            const auto second = tandem::create_task(to.record("second"));
            co_await tandem::this_task::checkpoint();  // both have begun: the first one writes
            CHECK(second.cancel());
            co_await first;
            CHECK(second.cancelled());
        };
        tandem::run(main(log));
    }
    CHECK(done_log(folder.file()).contains("second"));
}

TEST_CASE("done_log: a file in use, a folder that is missing: errors that name the file",
          "[pipeline][threads]") {
    const temporary_folder folder;
    const done_log log(folder.file());
    CHECK_THAT(error_of_opening(folder.file()), Catch::Contains("done.log\" is in use by another process"));
    CHECK_THAT(error_of_opening(folder.file("missing/done.log")), Catch::Contains("cannot be opened"));
    CHECK_THROWS_AS(done_log_options().sync_every(0), std::invalid_argument);
}

TEST_CASE(
    "done_log: a file of another kind is refused and left as it is; a log torn in its first line is not",
    "[pipeline][threads]") {
    const temporary_folder folder;
    for (const char* const foreign : {"#include <vector>\nint main() {}", "no newline", "\n\n"}) {
        append(folder.file("foreign"), foreign);
        CHECK_THAT(error_of_opening(folder.file("foreign")),
                   Catch::Contains("foreign\" is a file of another kind"));
        CHECK(text_of(folder.file("foreign")) == foreign);
        fs::remove(folder.file("foreign"));
    }
    record(folder.file(), {"first"});
    const std::string whole = text_of(folder.file());
    for (std::size_t cut = 0; cut < whole.size(); ++cut) {
        fs::resize_file(folder.file(), cut);
        record(folder.file(), {"first"});
        REQUIRE(text_of(folder.file()) == whole);
    }
    fs::resize_file(folder.file(), 0);
    append(folder.file(), std::string(40, '\0'));  // as a machine that lost power leaves it
    record(folder.file(), {"first"});
    REQUIRE(text_of(folder.file()) == whole);
}

TEST_CASE("done_log: a device that never ends is not read, and one that is full says so",
          "[pipeline][threads]") {
    const auto main = [](done_log& to) -> task<> {
        CHECK(to.statistics().keys == 0);
        std::string text;
        try {
            co_await to.record("first");
        } catch (const std::system_error& error) {
            text = error.what();
        }
        CHECK_THAT(text, Catch::Contains("\"/dev/full\" cannot be written; is the disk full?"));
    };
    done_log log("/dev/full");
    tandem::run(main(log));
}

TEST_CASE("done_log: a disk that is full fails this record and all later ones", "[pipeline][threads]") {
    const temporary_folder folder;
    done_log log(folder.file());
    ::rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    ::rlimit small = before;
    small.rlim_cur = 100;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto main = [](done_log& to) -> task<> {
        co_await to.record("fits");
        for (int i = 0; i < 2; ++i) {
            std::string text;
            try {
                co_await to.record(std::string(200, 'x'));
            } catch (const std::system_error& error) {
                text = error.what();
            }
            CHECK_THAT(text, Catch::Contains("cannot be written"));
        }
    };
    tandem::run(main(log));
    ::setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
}

TEST_CASE("done_log: nothing recorded is lost by kill -9", "[pipeline][threads]") {
    const temporary_folder folder;
    int pipe[2];
    REQUIRE(::pipe(pipe) == 0);
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        done_log log(folder.file());
        const auto main = [](done_log& to, int told) -> task<> {
            for (std::uint32_t i = 0;; ++i) {
                co_await to.record(std::to_string(i));
                if (::write(told, &i, sizeof i) != sizeof i) ::_exit(1);
            }
        };
        tandem::run(main(log, pipe[1]));
        ::_exit(1);
    }
    ::close(pipe[1]);
    std::uint32_t told = 0;
    std::uint32_t last = 0;
    while (last < 200 && ::read(pipe[0], &told, sizeof told) == sizeof told) last = told;
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &told, sizeof told) == sizeof told) last = told;
    ::close(pipe[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));

    const done_log log(folder.file());
    CHECK(last >= 200);
    for (std::uint32_t i = 0; i <= last; ++i) {
        if (!log.contains(std::to_string(i))) FAIL("lost: " << i);
    }
    // At most the one that was in flight is there without having been told.
    CHECK(log.statistics().keys <= last + 2u);
}
