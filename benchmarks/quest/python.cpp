// SPDX-License-Identifier: BSL-1.0
#include "python.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <stdexcept>
#include <system_error>

#include "child_process.hpp"
#include "numbers.hpp"

namespace quest {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

// The exit statuses of a script that says why it does not run.
constexpr int too_old = 3;
constexpr int lacks_a_module = 4;
constexpr std::size_t longest_output = 16 << 20;

// Its own arguments come first, so that a script may take them by position; -B leaves no files behind.
std::vector<std::string> command_for(const course& with, const std::string& script,
                                     const std::vector<std::string>& arguments) {
    std::vector<std::string> words{"-B", std::string(QUEST_PYTHON) + '/' + script + ".py"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    words.push_back("--port=" + std::to_string(with.api.port()));
    words.push_back("--scale=" + std::to_string(with.scale()));
    return words;
}

tandem::task<std::string> read_all(asio::io_context& context, int descriptor) {
    asio::posix::stream_descriptor output(context, descriptor);
    std::string text;
    std::array<char, 4096> room;
    boost::system::error_code error;
    while (!error && text.size() < longest_output) {
        const std::size_t size = co_await output.async_read_some(
            asio::buffer(room), asio::redirect_error(tandem::use_task, error));
        text.append(room.data(), size);
    }
    co_return text;
}

// The script has closed its output: it is about to end.
tandem::task<int> end_of(child_process& script) {
    int status = script.poll();
    while (status < 0) {
        co_await tandem::sleep(1ms);
        status = script.poll();
    }
    co_return status;
}

std::string last_line(std::string text) {
    while (text.ends_with('\n')) text.pop_back();
    const std::size_t before = text.rfind('\n');
    return before == std::string::npos ? text : text.substr(before + 1);
}

std::vector<seconds> to_runs(const nlohmann::json& value) {
    std::vector<seconds> runs;
    if (value.is_array()) {
        for (const nlohmann::json& run : value) runs.emplace_back(run.get<double>());
    } else {
        runs.emplace_back(value.get<double>());
    }
    return runs;
}

/// What a twin has printed.
class python_run {
public:
    python_run() {}

    std::string version;
    std::string with;  ///< its library, as in "asyncio streams"
    std::vector<seconds> runs;
};

std::optional<python_run> parse(const std::string& script, std::string line, chapter_result& result) {
    try {
        const nlohmann::json fields = nlohmann::json::parse(line);
        python_run run;
        run.version = fields.value("python", "");
        run.with = fields.value("with", "");
        if (fields.contains("seconds")) run.runs = to_runs(fields.at("seconds"));
        return run;
    } catch (const nlohmann::json::exception& error) {
        result.check(false, script + ".py does not print what is asked for: " + error.what());
        return std::nullopt;
    }
}

// Some systems have a python3 that only says how to install one.
tandem::task<bool> python_runs() {
    child_process trial("python3", std::vector<std::string>{"-c", ""});
    co_return co_await end_of(trial) == 0;
}

tandem::task<std::optional<python_run>> run_python(course& with, chapter_result& result, std::string script,
                                                   std::vector<std::string> arguments) {
    std::optional<python_run> found;
    if (!with.python_wanted()) co_return found;
    std::optional<child_process> child;
    try {
        child.emplace("python3", command_for(with, script, arguments));
    } catch (const std::system_error&) {
        with.python_is_missing("there is no python3 here");
        co_return found;
    }
    std::string output = co_await read_all(with.loop.context(), child->take_output());
    const int status = co_await end_of(*child);
    std::string line = last_line(std::move(output));
    // A script that explains itself runs; otherwise it is seen whether any does.
    const bool explained = (status == too_old || status == lacks_a_module) && !line.empty();
    bool runs = status == 0 || explained;
    if (!runs) runs = co_await python_runs();
    if (!runs) {
        with.python_is_missing("the python3 that is found here does not run");
    } else if (status == 0) {
        found = parse(script, std::move(line), result);
    } else if (!explained) {
        result.check(false, script + ".py ends with status " + std::to_string(status) + ": " + line);
    } else if (status == too_old) {
        with.python_is_missing(std::move(line));
    } else {
        result.found("No twin in Python: " + line);
    }
    if (found && !found->version.empty()) with.python_version(found->version);
    co_return found;
}

tandem::task<> compare_python(course& with, chapter_result& result, std::string script,
                              std::vector<std::string> arguments, bool in_table) {
    const std::optional<python_run> twin =
        co_await run_python(with, result, std::move(script), std::move(arguments));
    if (!twin || twin->runs.empty()) co_return;
    const std::string name = "Python " + twin->version + ", " + twin->with;
    const seconds time = median(twin->runs);
    if (in_table) result.python = time;
    result.found(name + ": " + in_seconds(time));
    result.variants.emplace_back(name, twin->runs);
}

}  // namespace

tandem::task<> measure_python(course& with, chapter_result& result, std::string script,
                              std::vector<std::string> arguments) {
    return compare_python(with, result, std::move(script), std::move(arguments), true);
}

tandem::task<> measure_python(course& with, chapter_result& result, std::string script) {
    std::vector<std::string> nothing_more;
    return measure_python(with, result, std::move(script), std::move(nothing_more));
}

tandem::task<> measure_python_beside(course& with, chapter_result& result, std::string script,
                                     std::vector<std::string> arguments) {
    return compare_python(with, result, std::move(script), std::move(arguments), false);
}

}  // namespace quest
