// quest - the demo: the systems of the talk, each a chapter, on real sockets and measured
// SPDX-License-Identifier: BSL-1.0
#include "command_line.hpp"
#include "html_report.hpp"
#include "json_report.hpp"
#include "output_file.hpp"
#include "report.hpp"
#include "rows.hpp"

#include <support/json_report.hpp>
#include <support/output.hpp>

#include <csignal>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <utility>

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

// The chapters that follow would only say, each in its way, that nobody answers.
std::string end_of(int server_status) {
    return "quest_server has ended, with status " + std::to_string(server_status) +
           ": the chapters that follow were not run";
}

tandem::task<> run_chapters(const command_line& options, course& with, server_process& server,
                            report& shown) {
    for (std::size_t i = 0; i < options.chosen.size(); ++i) {
        const chapter& which = options.chosen[i];
        const seconds expected = which.expected(with);
        shown.begin(which, expected, expected_from(options, with, i));
        tandem::task_handle<> progress;
        if (shown.on_terminal()) progress = tandem::create_task(show_progress(shown, expected));
        stopwatch whole;
        chapter_result result = co_await run_chapter(which, with);
        progress.cancel();
        const std::optional<int> server_ended = server.ended();
        if (server_ended) result.check(false, end_of(*server_ended));
        shown.end(which, whole.elapsed(), std::move(result));
        if (server_ended) break;
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
    server_process server;
    tandem::event_loop loop;
    service api(server.port());
    course with(options.settings, api, loop);
    report shown(record, progress_width());
    int signal = 0;
    try {
        loop.run(run_chapters(options, with, server, shown));
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

// A terminal that is closed ends the run as Ctrl-C does, with its files and without its children.
// The system says so, and then the shell once more.
void end_with_the_terminal() {
    const auto once = [](int) {
        std::signal(SIGHUP, SIG_IGN);
        std::raise(SIGTERM);
    };
    if (std::signal(SIGHUP, once) == SIG_IGN) std::signal(SIGHUP, SIG_IGN);
}

int run(int argc, char** argv) {
    const command_line options(argc, argv);
    if (options.help) {
        std::cout << usage();
        return 0;
    }
    if (options.list) return list_chapters();
    end_with_the_terminal();
    run_record record = empty_record(options);
    const int signal = run_until_signal(options, record);
    write_files(options, record);
    if (signal != 0) return 128 + signal;
    return record.failures() == 0 ? 0 : 1;
}

int run_or_explain(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const usage_error& error) {
        std::cerr << "quest: " << error.what() << "\n\n" << usage();
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "quest: " << error.what() << '\n';
        return 1;
    }
}

}  // namespace
}  // namespace quest

int main(int argc, char** argv) {
    bench::occupy_standard_files();
    return bench::status_with_output("quest", quest::run_or_explain(argc, argv));
}
