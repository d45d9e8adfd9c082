// SPDX-License-Identifier: BSL-1.0
#include "html_report.hpp"

#include <filesystem>

#include "html/page.hpp"
#include "json_report.hpp"
#include "output_file.hpp"

namespace quest {
namespace {

std::string as_seen_from(const std::string& report, const std::string& file) {
    if (file.empty()) return file;
    const auto folder = std::filesystem::absolute(report).parent_path();
    return std::filesystem::absolute(file).lexically_relative(folder).string();
}

}  // namespace

void write_html(const run_record& run, const std::string& path, const std::string& trace) {
    write_file(path, html::page(run, numbers_as_json(run), as_seen_from(path, trace)));
}

}  // namespace quest
