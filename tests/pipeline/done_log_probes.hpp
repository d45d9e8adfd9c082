// tandem - what the tests of done_log share: a folder, a run that records, the file as it is
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <stdlib.h>

#include <tandem/asio/run.hpp>
#include <tandem/pipeline/done_log.hpp>

#include "support/catch.hpp"

namespace tandem_test {

/// A folder of this test's own, gone with it.
class temporary_folder {
public:
    temporary_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "tandem_done_log_XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()));
        path_ = name;
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() { std::filesystem::remove_all(path_); }

    std::string file(const char* name = "done.log") const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

inline tandem::task<> record_all(tandem::done_log& log, std::vector<std::string> keys) {
    for (const std::string& key : keys) co_await log.record(key);
}

inline void record(const std::string& file, const std::vector<std::string>& keys) {
    tandem::done_log log(file);
    tandem::run(record_all(log, keys));
}

inline std::string text_of(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace tandem_test
