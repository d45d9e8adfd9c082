// SPDX-License-Identifier: BSL-1.0
#include "output_file.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace quest {
namespace {

bool write(const std::string& path, const std::string& text) {
    std::ofstream out(path, std::ios::binary);
    out << text;
    out.close();
    return static_cast<bool>(out);
}

}  // namespace

std::string unfinished_name(const std::string& path) {
    std::error_code ignored;
    const std::filesystem::file_status found = std::filesystem::status(path, ignored);
    if (std::filesystem::exists(found) && !std::filesystem::is_regular_file(found)) return path;
    // What a link leads to is written, not the link.
    const std::filesystem::path target = std::filesystem::weakly_canonical(path, ignored);
    return (target.empty() ? path : target.string()) + ".unfinished";
}

void write_file(const std::string& path, const std::string& text) {
    const std::string unfinished = unfinished_name(path);
    bool written = write(unfinished, text);
    if (unfinished != path) {
        const std::string whole = unfinished.substr(0, unfinished.rfind('.'));
        written = written && std::rename(unfinished.c_str(), whole.c_str()) == 0;
        if (!written) std::remove(unfinished.c_str());
    }
    if (!written) throw std::runtime_error("cannot write " + path);
}

}  // namespace quest
