// quest - the demo: the systems of the talk, each a chapter, on real sockets and measured
// SPDX-License-Identifier: BSL-1.0
#include "command_line.hpp"
#include "report.hpp"

#include <exception>
#include <iostream>
#include <unistd.h>

namespace quest {
namespace {

using namespace std::chrono_literals;

tandem::task<> show_progress(report& shown, chapter which, seconds expected) {
    stopwatch since_start;
    for (;;) {
        shown.progress(which, since_start.elapsed(), expected);
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

tandem::task<> run_chapters(command_line options, service& api, report& shown) {
    course with(options.scale, api);
    for (const chapter& which : options.chosen) {
        shown.begin(which, options.scale);
        tandem::task_handle<> progress;
        if (shown.on_terminal()) {
            progress =
                tandem::create_task(show_progress(shown, which, seconds(which.talk_seconds / options.scale)));
        }
        chapter_result result = co_await run_chapter(which, with);
        progress.cancel();
        shown.end(which, std::move(result));
    }
}

int run(int argc, char** argv) {
    const command_line options(argc, argv);
    if (options.help) {
        std::cout << usage();
        return 0;
    }
    if (options.list) {
        for (const chapter& c : chapters()) std::cout << c.name << ": " << c.sentence << '\n';
        return 0;
    }

    server_process server;
    tandem::event_loop loop;
    service api(loop.context(), server.port());
    report shown(::isatty(STDOUT_FILENO) == 1);
    try {
        loop.run(run_chapters(options, api, shown));
    } catch (const tandem::interrupted_error& interrupted) {
        // Ctrl-C: all requests were cancelled and have ended; what was measured before is shown.
        std::cout << "\ninterrupted by signal " << interrupted.signal() << '\n';
        if (!shown.empty()) shown.print_table(options.scale);
        return 128 + interrupted.signal();
    }
    shown.print_table(options.scale);
    return shown.all_checks_hold() ? 0 : 1;
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
