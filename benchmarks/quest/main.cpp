// quest - the demo: the systems of the talk, each a chapter, on real sockets and measured
// SPDX-License-Identifier: BSL-1.0
#include "command_line.hpp"
#include "html_report.hpp"
#include "json_report.hpp"
#include "report.hpp"
#include "rows.hpp"

#include <support/json_report.hpp>

#include <exception>
#include <iostream>
#include <unistd.h>

namespace quest {
namespace {

using namespace std::chrono_literals;

tandem::task<> show_progress(report& shown, seconds expected) {
    stopwatch since_start;
    for (;;) {
        shown.progress(since_start.elapsed(), expected);
        co_await tandem::sleep(100ms);
    }
}

// A chapter that throws has failed, and the next one is run all the same.
tandem::task<chapter_result> run_chapter(chapter which, course& with) {
    chapter_result result;
    try {
        result = co_await which.run(with);
    } catch (const std::exception& error) {
        result.check(false, error.what());
    }
    co_return result;
}

seconds expected_from(const command_line& options, const course& with, std::size_t first) {
    seconds all{0};
    for (std::size_t i = first; i < options.chosen.size(); ++i) all += options.chosen[i].expected(with);
    return all;
}

tandem::task<> run_chapters(const command_line& options, course& with, report& shown) {
    for (std::size_t i = 0; i < options.chosen.size(); ++i) {
        const chapter& which = options.chosen[i];
        const seconds expected = which.expected(with);
        shown.begin(which, expected, expected_from(options, with, i));
        tandem::task_handle<> progress;
        if (shown.on_terminal()) progress = tandem::create_task(show_progress(shown, expected));
        stopwatch whole;
        chapter_result result = co_await run_chapter(which, with);
        progress.cancel();
        shown.end(which, whole.elapsed(), std::move(result));
    }
}

run_record empty_record(const command_line& options) {
    run_record record;
    record.command = options.text;
    record.scale = options.settings.scale;
    record.seed = options.settings.seed;
    record.facts = machine_facts();
    return record;
}

void write_files(const command_line& options, const run_record& record) {
    if (!options.json.empty()) write_file(options.json, to_json(record));
    if (!options.trace.empty()) write_file(options.trace, to_trace(record));
    if (!options.report.empty()) write_html(record, options.report, options.trace);
    if (!options.rows.empty()) bench::write_json(options.rows, rows_of(record));
    for (const std::string& written : {options.report, options.json, options.trace, options.rows}) {
        if (!written.empty()) std::cout << "written: " << written << '\n';
    }
}

int list_chapters() {
    for (const chapter& c : chapters()) std::cout << c.name << ": " << c.sentence << '\n';
    return 0;
}

// The signal that ended the run early, or 0.
int run_until_signal(const command_line& options, run_record& record) {
    const server_process server;
    tandem::event_loop loop;
    service api(server.port());
    course with(options.settings, api, loop);
    report shown(record, ::isatty(STDOUT_FILENO) == 1);
    int signal = 0;
    try {
        loop.run(run_chapters(options, with, shown));
    } catch (const tandem::interrupted_error& interrupted) {
        // Ctrl-C: all requests were cancelled and have ended; what was measured before is shown.
        signal = interrupted.signal();
        std::cout << "\ninterrupted by signal " << signal << '\n';
    }
    record.interrupted = signal != 0;
    record.facts.emplace_back("Python", with.python_summary());
    if (!record.chapters.empty()) shown.print_table();
    if (!with.python_problem().empty()) std::cout << "No Python twins: " << with.python_problem() << ".\n";
    return signal;
}

int run(int argc, char** argv) {
    const command_line options(argc, argv);
    if (options.help) {
        std::cout << usage();
        return 0;
    }
    if (options.list) return list_chapters();
    run_record record = empty_record(options);
    const int signal = run_until_signal(options, record);
    write_files(options, record);
    if (signal != 0) return 128 + signal;
    return record.failures() == 0 ? 0 : 1;
}

}  // namespace
}  // namespace quest

int main(int argc, char** argv) {
    try {
        return quest::run(argc, argv);
    } catch (const quest::usage_error& error) {
        std::cerr << "quest: " << error.what() << "\n\n" << quest::usage();
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "quest: " << error.what() << '\n';
        return 1;
    }
}
