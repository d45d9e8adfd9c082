// Records a run: who waited for what, what the workers did. Open the file at https://ui.perfetto.dev.
// SPDX-License-Identifier: BSL-1.0
// expect: ^3 pages, 600 words, [1-9][0-9]* events$
#include <tandem/tandem.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

using namespace std::chrono_literals;

// Stands for a request. The span shows on the task's track, from its beginning to its end.
tandem::task<std::string> fetch(int number) {
    const tandem::trace::span whole("fetch");
    co_await tandem::sleep(std::chrono::milliseconds(2 * number));
    std::string page;
    for (int i = 0; i < 200; ++i) page += "word ";
    co_return page;
}

int count_words(const std::string& text) {
    std::istringstream in(text);
    int words = 0;
    for (std::string word; in >> word;) ++words;
    return words;
}

tandem::task<> count(tandem::executor& pool, int number, int& words) {
    tandem::this_task::set_name("page " + std::to_string(number));
    auto page = co_await fetch(number);
    words += co_await tandem::run_in_executor(pool, count_words, std::move(page));
    tandem::trace::counter("words", words);
}

tandem::task<int> amain() {
    tandem::cpu_executor pool;
    int words = 0;
    co_await tandem::gather(count(pool, 1, words), count(pool, 2, words), count(pool, 3, words));
    co_return words;
}

int main() {
    const std::string file = "trace_01_perfetto.json";
    tandem::trace::start(file);
    const int words = tandem::run(amain());
    tandem::trace::stop();

    std::ifstream trace(file);
    int events = 0;
    for (std::string line; std::getline(trace, line);) ++events;
    std::cout << "3 pages, " << words << " words, " << events << " events\n";
}
